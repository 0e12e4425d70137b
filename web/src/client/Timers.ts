/** Timers by name: at most one of each, and all of them gone by one call. */
export class Timers<Name extends string> {
  private readonly running = new Map<Name, ReturnType<typeof setTimeout>>();

  has(name: Name): boolean {
    return this.running.has(name);
  }

  /** Starts anew if it is running. */
  set(name: Name, delayMs: number, act: () => void): void {
    this.clear(name);
    const expire = () => {
      this.running.delete(name);
      act();
    };
    this.running.set(name, setTimeout(expire, delayMs));
  }

  clear(name: Name): void {
    clearTimeout(this.running.get(name));
    this.running.delete(name);
  }

  clearAll(): void {
    for (const name of [...this.running.keys()]) this.clear(name);
  }
}
