/** The quietest that a meter shows, in dBFS: the noise of a quiet room lies about there. */
const FLOOR_DBFS = -60;

/** Where a loudness in dBFS stands on a meter: 0 at its floor, 1 at full scale. */
export function meterPosition(dbfs: number): number {
  return Math.min(1, Math.max(0, 1 - dbfs / FLOOR_DBFS));
}
