/** Calls listeners by the name of an event. */
export class TypedEmitter<Events extends object> {
  private readonly listeners = new Map<keyof Events, Set<(value: never) => void>>();

  /** Listen; returns how to stop. The same listener is called once, however often it is added. */
  on<Name extends keyof Events>(name: Name, listener: (value: Events[Name]) => void): () => void {
    let listening = this.listeners.get(name);
    if (listening === undefined) this.listeners.set(name, (listening = new Set()));
    listening.add(listener);
    return () => void listening.delete(listener);
  }

  /** One that throws doesn't keep the others from hearing; its error is reported, not raised. */
  protected emit<Name extends keyof Events>(name: Name, value: Events[Name]): void {
    for (const listener of [...(this.listeners.get(name) ?? [])]) {
      try {
        (listener as (value: Events[Name]) => void)(value);
      } catch (error) {
        reportError(error);
      }
    }
  }
}
