// @vitest-environment happy-dom
import {
  act,
  cleanup,
  fireEvent,
  render,
  renderHook,
  screen,
  within,
} from "@testing-library/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { FakePage } from "../test/FakePage";
import { texts } from "../texts";
import {
  appendSegment,
  BLOCK_SIZE,
  emptyTranscript,
  setPartial,
  type Transcript,
} from "../transcript/Transcript";
import { TranscriptView } from "./parts/TranscriptView";
import { ScribeRecorder } from "./ScribeRecorder";
import { useScribeRecording, type ScribeRecordingOptions } from "./useScribeRecording";

let page: FakePage;

beforeEach(() => {
  vi.useFakeTimers();
  page = new FakePage();
});

afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const URL = "http://relay.test";

function say(message_type: string, fields: object = {}): void {
  act(() => page.say(message_type, fields));
}

function admit(): void {
  act(() => page.accept());
}

function commit(segment: number, text: string): void {
  const fields = { text, segment, end_sample: (segment + 1) * 800, cause: "vad" };
  say("committed_transcript", fields);
  const words = [{ text, start: 0, end: 0.1, type: "word" }];
  say("committed_transcript_with_timestamps", { ...fields, words, language_code: null });
}

async function hear(ms: number): Promise<void> {
  await act(() => page.hear(ms));
}

describe("useScribeRecording", () => {
  async function started(options: ScribeRecordingOptions = {}) {
    const hook = renderHook((changed) => useScribeRecording({ url: URL, ...options, ...changed }), {
      initialProps: {},
      wrapper: StrictMode,
    });
    await act(() => hook.result.current.startRecording());
    admit();
    await hear(500);
    return hook;
  }

  test("tells what is said, each segment once though it comes twice", async () => {
    const { result } = await started();
    say("partial_transcript", { text: "good" });
    expect(result.current).toMatchObject({
      isRecording: true,
      isConnected: true,
      partialTranscript: "good",
      state: "live",
      error: null,
    });
    expect(result.current.level).toBeGreaterThan(0);
    commit(0, "good morning");
    commit(1, "everybody");
    expect(result.current.partialTranscript).toBe("");
    expect(result.current.committedTranscripts.map(({ text }) => text)).toEqual([
      "good morning",
      "everybody",
    ]);
    expect(result.current.stats).toMatchObject({ segments: 2, words: 3 });
  });

  test("opens one connection in strict mode, and leaves nothing behind", async () => {
    const { unmount } = await started();
    expect(page.sockets.all).toHaveLength(1);
    unmount();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(page.socket.closedWith).toEqual({ code: 1000 });
    expect(page.browser.leftovers).toMatchObject({ liveTracks: 0, openContexts: 0 });
  });

  test("calls the newest callback, and connects to nobody anew because it is another", async () => {
    const first = vi.fn();
    const second = vi.fn();
    const { rerender } = await started({ onCommittedTranscript: first });
    commit(0, "one");
    rerender({ onCommittedTranscript: second, microphone: { messageMs: 100 } });
    commit(1, "two");
    expect(first).toHaveBeenCalledTimes(1);
    expect(second).toHaveBeenCalledTimes(1);
    expect(second.mock.lastCall).toMatchObject([{ index: 1, text: "two" }]);
    expect(page.sockets.all).toHaveLength(1);
  });

  test("keeps its functions", async () => {
    const { result, rerender } = await started();
    const { startRecording, stopRecording } = result.current;
    rerender({ languageCode: "ru" });
    expect(result.current.startRecording).toBe(startRecording);
    expect(result.current.stopRecording).toBe(stopRecording);
  });

  test("numbers segments on after a connection that broke", async () => {
    const { result } = await started();
    commit(0, "before");
    act(() => page.socket.drop());
    await hear(1_000);
    expect(result.current).toMatchObject({ isConnected: false, isRecording: true });
    admit();
    commit(0, "after");
    expect(result.current.committedTranscripts).toMatchObject([
      { index: 0, text: "before" },
      { index: 1, text: "after" },
    ]);
  });

  test("says what went wrong", async () => {
    page.browser.isSecureContext = false;
    vi.stubGlobal("isSecureContext", false);
    const onError = vi.fn();
    const { result } = renderHook(() => useScribeRecording({ url: URL, onError }));
    await act(() => result.current.startRecording());
    expect(result.current.error?.kind).toBe("insecure_origin");
    expect(onError).toHaveBeenCalledTimes(1);
  });
});

describe("<ScribeRecorder>", () => {
  test("records, shows what is said, and stops", async () => {
    render(<ScribeRecorder url={URL} language="en" />);
    await act(async () => {
      fireEvent.click(screen.getByRole("button", { name: "Start recording" }));
      await vi.advanceTimersByTimeAsync(0);
    });
    admit();
    await hear(200);
    say("partial_transcript", { text: "good mor" });
    expect(screen.getByTestId("partial").textContent).toBe("good mor");
    commit(0, "good morning");
    expect(screen.getByRole("log").textContent).toContain("good morning");
    fireEvent.click(screen.getByRole("button", { name: "Stop recording" }));
    await act(() => vi.advanceTimersByTimeAsync(500));
    say("session_ended", { reason: "stopped", audio_ms: 1, segments: 1, words: 2 });
    expect(screen.getByRole("button", { name: "Start recording" })).toBeTruthy();
  });

  test("says what is wrong in its language, and hands on what only the page can mend", async () => {
    const onRemedy = vi.fn();
    render(<ScribeRecorder url={URL} language="ru" onRemedy={onRemedy} />);
    const { record } = texts("ru");
    await act(async () => {
      fireEvent.click(screen.getByRole("button", { name: record.start }));
      await vi.advanceTimersByTimeAsync(0);
    });
    act(() => page.socket.open());
    say("unauthorized", { error: "Signed out.", retryable: false });
    act(() => page.socket.drop(4401));
    await act(() => vi.advanceTimersByTimeAsync(500));
    const alert = screen.getByRole("alert");
    expect(alert.dataset.problem).toBe("not_signed_in");
    expect(alert.textContent).toContain("Signed out.");
    fireEvent.click(within(alert).getByRole("button", { name: "Войти" }));
    expect(onRemedy).toHaveBeenCalledTimes(1);
  });
});

test("of a long transcript, only the last block is drawn again", () => {
  const t = texts("en");
  const drawn: number[] = [];
  const segment = (index: number) => ({
    index,
    get text() {
      drawn.push(index);
      return `segment ${index}`;
    },
    startSeconds: index,
    endSeconds: index + 1,
    cause: "vad" as const,
    words: null,
    languageCode: null,
  });
  let transcript: Transcript = emptyTranscript;
  for (let index = 0; index < 3 * BLOCK_SIZE + 1; index++) {
    transcript = appendSegment(transcript, segment(index));
  }
  const view = (shown: Transcript) => <TranscriptView transcript={shown} isRecording t={t} />;
  const { rerender } = render(view(transcript));
  expect(new Set(drawn).size).toBe(3 * BLOCK_SIZE + 1);
  drawn.length = 0;
  rerender(view(setPartial(transcript, "and now")));
  expect(drawn).toEqual([]);
  rerender(view(appendSegment(transcript, segment(3 * BLOCK_SIZE + 1))));
  expect(new Set(drawn)).toEqual(new Set([3 * BLOCK_SIZE + 1]));
});
