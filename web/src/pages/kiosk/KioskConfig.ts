/** What the relay tells the page of this kiosk. */
export interface KioskConfig {
  name: string;
  /** Listen from the start and always, without a control. */
  alwaysOn: boolean;
  /** How long a text stays after the last word, in seconds. */
  clearAfterSeconds: number;
}

/** Read what the relay wrote into the page for its script. */
export function readConfig(app: HTMLElement): KioskConfig {
  return JSON.parse(app.dataset.config ?? "{}") as KioskConfig;
}
