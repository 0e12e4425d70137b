/** Write the moments of a page in the visitor's own time; as the relay wrote them, it is UTC. */
export function localTimes(page: ParentNode, language: string, timeZone?: string): void {
  const format = new Intl.DateTimeFormat(language, {
    dateStyle: "medium",
    timeStyle: "short",
    timeZone,
  });
  for (const time of page.querySelectorAll<HTMLTimeElement>("time[data-moment]")) {
    time.title = time.textContent;
    time.textContent = format.format(new Date(time.dateTime));
  }
}
