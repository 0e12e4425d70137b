/**
 * Collects blocks of a continuous signal into messages of one length.
 *
 * Nothing is lost, repeated or reordered: the messages put together, with the tail, are what went
 * in. It runs on the audio thread, so it allocates once per message and never per block.
 */
export class MessageCollector {
  private readonly messageFrames: number;
  private readonly post: (message: Float32Array<ArrayBuffer>) => void;
  private filling: Float32Array<ArrayBuffer>;
  private filled = 0;

  /**
   * @param messageFrames Length of every message but the last; at least 1.
   * @param post Takes a message, and owns it.
   */
  constructor(messageFrames: number, post: (message: Float32Array<ArrayBuffer>) => void) {
    if (!Number.isInteger(messageFrames) || messageFrames < 1) {
      throw new RangeError(`A message has at least one frame, not ${messageFrames}.`);
    }
    this.messageFrames = messageFrames;
    this.post = post;
    this.filling = new Float32Array(messageFrames);
  }

  /** Take one block: an array per channel, all of the same length; no channels is no audio. */
  push(channels: readonly Float32Array[]): void {
    const frames = channels[0]?.length ?? 0;
    for (let frame = 0; frame < frames; frame++) {
      this.filling[this.filled++] = mean(channels, frame);
      if (this.filled === this.messageFrames) this.postFilled();
    }
  }

  /** Post what has been collected since the last message, if anything. */
  flush(): void {
    if (this.filled > 0) this.postFilled();
  }

  private postFilled(): void {
    const isWhole = this.filled === this.messageFrames;
    this.post(isWhole ? this.filling : this.filling.slice(0, this.filled));
    this.filling = new Float32Array(this.messageFrames);
    this.filled = 0;
  }
}

/** The mean can't clip where the channels don't; a sum could. */
function mean(channels: readonly Float32Array[], frame: number): number {
  let sum = channels[0]?.[frame] ?? 0;
  for (let index = 1; index < channels.length; index++) sum += channels[index]?.[frame] ?? 0;
  return sum / channels.length;
}
