// @vitest-environment happy-dom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";

import { useFollow } from "./useFollow";

afterEach(cleanup);

/** Lines of a page, of 20 pixels each, of which ten are in sight. */
class Scene {
  private readonly rerender: (page: React.ReactNode) => void;
  private lines = 20;

  constructor() {
    ({ rerender: this.rerender } = render(<Page lines={this.lines} />));
    const { element } = this;
    Object.defineProperty(element, "clientHeight", { value: 200 });
    Object.defineProperty(element, "scrollHeight", { get: () => this.lines * 20 });
    element.scrollTo = ((to: ScrollToOptions) => {
      element.scrollTop = Math.min(to.top ?? 0, this.lines * 20 - 200);
      element.dispatchEvent(new Event("scroll"));
    }) as typeof element.scrollTo;
    this.grow(0);
  }

  get element(): HTMLElement {
    const element = document.querySelector<HTMLElement>("#page");
    if (element === null) throw new Error("there is no page");
    return element;
  }

  /** Whether the last line is in sight. */
  get isAtEnd(): boolean {
    return this.element.scrollTop === this.lines * 20 - 200;
  }

  grow(lines: number): void {
    this.lines += lines;
    this.rerender(<Page lines={this.lines} />);
  }

  /** By hand, to so many lines above the end. */
  scrollUp(lines: number): void {
    act(() => this.element.scrollTo({ top: (this.lines - lines) * 20 - 200 }));
  }
}

function Page({ lines }: { lines: number }) {
  const { ref, isFollowing, toNewest } = useFollow(lines);
  return (
    <div id="page" ref={ref}>
      {!isFollowing && <button onClick={toNewest}>Newest</button>}
    </div>
  );
}

const wayToNewest = () => screen.queryByRole("button", { name: "Newest" });

test("the newest line stays in sight", () => {
  const scene = new Scene();
  scene.grow(1);
  expect(scene.isAtEnd).toBe(true);
  scene.grow(30);
  expect(scene.isAtEnd).toBe(true);
});

test("whoever has scrolled up to read stays there", () => {
  const scene = new Scene();
  scene.scrollUp(5);
  const { scrollTop } = scene.element;
  scene.grow(3);
  expect(wayToNewest()).not.toBeNull();
  expect(scene.element.scrollTop).toBe(scrollTop);
});

test("a line above the end is near enough to be kept there", () => {
  const scene = new Scene();
  scene.scrollUp(1);
  scene.grow(1);
  expect(scene.isAtEnd).toBe(true);
});

test("whoever comes back to the end is kept there again", () => {
  const scene = new Scene();
  scene.scrollUp(5);
  scene.scrollUp(0);
  scene.grow(1);
  expect(wayToNewest()).toBeNull();
  expect(scene.isAtEnd).toBe(true);
});

test("the way to the newest line leads there, and keeps it in sight", () => {
  const scene = new Scene();
  scene.scrollUp(5);
  scene.grow(3);
  fireEvent.click(screen.getByRole("button", { name: "Newest" }));
  expect(scene.isAtEnd).toBe(true);
  scene.grow(1);
  expect(scene.isAtEnd).toBe(true);
});
