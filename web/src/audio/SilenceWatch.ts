import type { Level } from "./types";

/** Quieter than the noise of any open microphone in a quiet room (about −60 dBFS). */
export const INAUDIBLE_DBFS = -70;

/** A microphone that works is heard within this time, even if nobody speaks. */
const PATIENCE_AT_START_MS = 5_000;

/** Later a browser's own noise suppression may make real pauses of digital silence. */
const PATIENCE_LATER_MS = 15_000;

/** Tells when a microphone gives nothing though it is listened to: muted in hardware, or dead. */
export class SilenceWatch {
  private silentMs = 0;
  private hasHeard = false;
  private hasWarned = false;

  /**
   * Take the next stretch of `durationMs`.
   *
   * @returns Whether to warn now: once per silence, and again only after a sound.
   */
  hear(level: Level, durationMs: number): boolean {
    if (level.rmsDbfs >= INAUDIBLE_DBFS) {
      this.hearSound();
      return false;
    }
    this.silentMs += durationMs;
    if (this.hasWarned || this.silentMs < this.patienceMs) return false;
    this.hasWarned = true;
    return true;
  }

  private get patienceMs(): number {
    return this.hasHeard ? PATIENCE_LATER_MS : PATIENCE_AT_START_MS;
  }

  private hearSound(): void {
    this.silentMs = 0;
    this.hasHeard = true;
    this.hasWarned = false;
  }
}
