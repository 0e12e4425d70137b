import type { ClientEvents } from "./types";

/** An event to be told, by its name. */
export type Emission = {
  [Name in keyof ClientEvents]: { name: Name; value: ClientEvents[Name] };
}[keyof ClientEvents];
