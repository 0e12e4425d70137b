import { WordTrack } from "./WordTrack";

/** The words on the page: one of them chosen, one of them heard. */
export class Words {
  readonly track = new WordTrack();
  private readonly elements: HTMLElement[] = [];
  private readonly places = new Map<Element, number>();
  /** Each segment, and the first of its words. */
  private readonly segments: { element: Element; first: number }[] = [];
  private chosenIndex = -1;
  private heardIndex = -1;

  /** Take in the words of segments that have come to the page, behind those that are there. */
  adopt(segments: Iterable<Element>): void {
    for (const segment of segments) {
      this.segments.push({ element: segment, first: this.elements.length });
      for (const element of segment.querySelectorAll<HTMLElement>("[data-t]")) {
        this.places.set(element, this.elements.length);
        this.elements.push(element);
        this.track.push({
          startSeconds: Number(element.dataset.t),
          endSeconds: Number(element.dataset.e),
        });
      }
    }
  }

  get chosen(): number {
    return this.chosenIndex;
  }

  /** The word that an event happened to; -1 if it wasn't one. */
  indexOf(target: EventTarget | null): number {
    const element = target instanceof Element ? target.closest("[data-t]") : null;
    return (element && this.places.get(element)) ?? -1;
  }

  textOf(index: number): string {
    return this.elements[index]?.textContent ?? "";
  }

  /** Choose a word and bring it into sight; -1 for none. */
  choose(index: number): void {
    this.elements[this.chosenIndex]?.classList.remove("chosen");
    this.chosenIndex = index;
    const element = this.elements[index];
    element?.classList.add("chosen");
    element?.scrollIntoView({ block: "nearest" });
  }

  /** Mark the word that is heard; -1 for none. Whoever has scrolled away isn't taken along. */
  hear(index: number): void {
    if (index === this.heardIndex) return;
    const before = this.elements[this.heardIndex];
    const isFollowing = before === undefined || isInSight(before);
    before?.classList.remove("heard");
    this.heardIndex = index;
    const element = this.elements[index];
    element?.classList.add("heard");
    if (element !== undefined && isFollowing && !isInSight(element))
      element.scrollIntoView({ block: "center" });
  }

  /** Where the arrow keys begin: at the chosen word, else at the one heard, else in sight. */
  get start(): number {
    if (this.chosenIndex >= 0) return this.chosenIndex;
    if (this.heardIndex >= 0) return this.heardIndex;
    // Asked of each word, the browser would lay out all that it has left out so far.
    const inSight = this.segments.find(({ element }) => element.getBoundingClientRect().top >= 0);
    return (inSight?.first ?? 0) - 1;
  }
}

/** What covers the lower edge of the page, in pixels: the player. */
const COVERED_PX = 80;

function isInSight(element: Element): boolean {
  const { top, bottom } = element.getBoundingClientRect();
  return top >= 0 && bottom <= innerHeight - COVERED_PX;
}
