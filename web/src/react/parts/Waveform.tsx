import { useEffect, useRef } from "react";

import type { Level } from "../../audio/types";
import type { Recording } from "../../recording/Recording";

/** Pixels of a bar and of the space behind it. */
const BAR_PX = 4;
const SPACE_PX = 3;

/** Of amplitudes, as an exponent: between a line that hardly moves and a bar that hardly differs. */
const SOFTNESS = 0.6;

/** What was heard in the last seconds: a bar for each message, the newest at the right. */
export function Waveform({ recording }: { recording: Recording }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return;
    const drawing = new WaveformDrawing(element);
    const stopListening = recording.on("level", (level) => drawing.add(level));
    const sizes = new ResizeObserver(() => drawing.draw());
    sizes.observe(element);
    return () => {
      stopListening();
      sizes.disconnect();
    };
  }, [recording]);
  return <canvas ref={canvas} className="scribe-waveform" aria-hidden="true" />;
}

/** Draws without React: twenty times a second, and only what is new is kept. */
class WaveformDrawing {
  private bars: { height: number; isClipped: boolean }[] = [];

  private readonly canvas: HTMLCanvasElement;

  constructor(canvas: HTMLCanvasElement) {
    this.canvas = canvas;
  }

  add({ peakDbfs, clipped }: Level): void {
    this.bars.push({ height: 10 ** ((peakDbfs / 20) * SOFTNESS), isClipped: clipped > 0 });
    this.draw();
  }

  draw(): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const context = this.canvas.getContext("2d");
    if (context === null || width === 0) return;
    const ratio = devicePixelRatio;
    this.fit(Math.round(width * ratio), Math.round(height * ratio));
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const step = BAR_PX + SPACE_PX;
    const shown = Math.ceil(width / step);
    if (this.bars.length > shown) this.bars = this.bars.slice(-shown);
    const { sound, clipped } = this.colours();
    this.bars.forEach((bar, index) => {
      const x = width - (this.bars.length - index) * step;
      const length = Math.max(BAR_PX, bar.height * height);
      context.fillStyle = bar.isClipped ? clipped : sound;
      context.beginPath();
      context.roundRect(x, (height - length) / 2, BAR_PX, length, BAR_PX / 2);
      context.fill();
    });
  }

  private fit(width: number, height: number): void {
    // Setting the size clears the canvas and its memory: only when it is another one.
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
  }

  private colours(): { sound: string; clipped: string } {
    const style = getComputedStyle(this.canvas);
    return { sound: style.color, clipped: style.getPropertyValue("--warn") };
  }
}
