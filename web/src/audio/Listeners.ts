/** Event listeners that end together. */
export class Listeners {
  private readonly removals: (() => void)[] = [];

  add(target: EventTarget, type: string, listener: () => void): void {
    target.addEventListener(type, listener);
    this.removals.push(() => target.removeEventListener(type, listener));
  }

  removeAll(): void {
    for (const remove of this.removals.splice(0)) remove();
  }
}
