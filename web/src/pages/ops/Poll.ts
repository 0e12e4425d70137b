/** Asks again and again, as long as somebody looks. */

/** The longest wait between two attempts while the relay is away, in milliseconds. */
const MAX_RETRY_MS = 15_000;

export interface PollEvents<Answer> {
  onAnswer: (answer: Answer) => void;
  onError: (error: unknown) => void;
}

export class Poll<Answer> {
  private readonly ask: () => Promise<Answer>;
  private readonly intervalMs: number;
  private readonly events: PollEvents<Answer>;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isRunning = false;
  private isAsking = false;
  private isHurried = false;
  private failures = 0;

  /** Ask every `intervalMs`, more seldom after failures. */
  constructor(ask: () => Promise<Answer>, intervalMs: number, events: PollEvents<Answer>) {
    this.ask = ask;
    this.intervalMs = intervalMs;
    this.events = events;
  }

  /** Begin, with a question at once. Returns how to end it. */
  start(): () => void {
    this.isRunning = true;
    document.addEventListener("visibilitychange", this.look);
    this.hurry();
    return () => {
      this.isRunning = false;
      document.removeEventListener("visibilitychange", this.look);
      clearTimeout(this.timer);
    };
  }

  /** Ask now, since something was done; again, where an answer is on its way that may be of before. */
  hurry(): void {
    if (this.isAsking) this.isHurried = true;
    else void this.turn();
  }

  private readonly look = (): void => {
    if (document.visibilityState === "visible") this.hurry();
    else clearTimeout(this.timer);
  };

  private async turn(): Promise<void> {
    clearTimeout(this.timer);
    this.isAsking = true;
    let told: () => void;
    try {
      const answer = await this.ask();
      this.failures = 0;
      told = () => this.events.onAnswer(answer);
    } catch (error) {
      this.failures += 1;
      told = () => this.events.onError(error);
    }
    this.isAsking = false;
    if (!this.isRunning) return;
    told();
    const again = this.isHurried;
    this.isHurried = false;
    if (again) void this.turn();
    else if (document.visibilityState === "visible")
      this.timer = setTimeout(() => void this.turn(), this.waitMs());
  }

  private waitMs(): number {
    if (this.failures === 0) return this.intervalMs;
    return Math.min(this.intervalMs * 2 ** (this.failures - 1), MAX_RETRY_MS);
  }
}
