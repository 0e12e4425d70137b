/** The browser objects that a microphone uses, without a browser or sound. */

import { FLUSH, FLUSHED, type CaptureProcessorOptions } from "../audio/captureProtocol";
import { MessageCollector } from "../audio/MessageCollector";
import type { MicrophoneBrowser } from "../audio/MicrophoneBrowser";

/** Counts its listeners. */
export class FakeTarget extends EventTarget {
  readonly added: { type: string; listener: unknown }[] = [];

  override addEventListener(type: string, listener: EventListener | null): void {
    super.addEventListener(type, listener);
    this.added.push({ type, listener });
  }

  override removeEventListener(type: string, listener: EventListener | null): void {
    super.removeEventListener(type, listener);
    const index = this.added.findIndex((one) => one.type === type && one.listener === listener);
    if (index >= 0) this.added.splice(index, 1);
  }

  fire(type: string): void {
    this.dispatchEvent(new Event(type));
  }
}

export class FakeDocument extends FakeTarget {
  visibilityState: DocumentVisibilityState = "visible";
  featurePolicy: { allowsFeature(feature: string): boolean } | undefined;

  show(visibilityState: DocumentVisibilityState): void {
    this.visibilityState = visibilityState;
    this.fire("visibilitychange");
  }
}

export class FakeTrack extends FakeTarget {
  readyState: MediaStreamTrackState = "live";
  muted = false;
  enabled = true;
  readonly label: string;
  private readonly settings: MediaTrackSettings;

  constructor(label: string, settings: MediaTrackSettings) {
    super();
    this.label = label;
    this.settings = settings;
  }

  getSettings(): MediaTrackSettings {
    return this.settings;
  }

  stop(): void {
    this.readyState = "ended";
  }

  /** By the system, a call for instance. */
  setMuted(muted: boolean): void {
    this.muted = muted;
    this.fire(muted ? "mute" : "unmute");
  }

  unplug(): void {
    this.readyState = "ended";
    this.fire("ended");
  }
}

class FakeStream {
  readonly track: FakeTrack;

  constructor(track: FakeTrack) {
    this.track = track;
  }

  getTracks(): FakeTrack[] {
    return [this.track];
  }

  getAudioTracks(): FakeTrack[] {
    return [this.track];
  }
}

/** As a MessagePort, keeps what is posted to it until it has a listener. */
class FakePort {
  isClosed = false;
  private readonly kept: unknown[] = [];
  private listener: ((event: { data: unknown }) => void) | null = null;
  private readonly toProcessor: (message: unknown) => void;

  constructor(toProcessor: (message: unknown) => void) {
    this.toProcessor = toProcessor;
  }

  get onmessage() {
    return this.listener;
  }

  set onmessage(listener) {
    this.listener = listener;
    if (listener !== null) for (const data of this.kept.splice(0)) listener({ data });
  }

  postMessage(message: unknown): void {
    this.toProcessor(message);
  }

  close(): void {
    this.isClosed = true;
  }

  arrive(data: unknown): void {
    if (this.isClosed) return;
    if (this.listener === null) this.kept.push(data);
    else this.listener({ data });
  }
}

class FakeNode {
  readonly inputs: FakeNode[] = [];
  readonly outputs: FakeNode[] = [];

  connect(next: FakeNode): FakeNode {
    this.outputs.push(next);
    next.inputs.push(this);
    return next;
  }

  disconnect(): void {
    for (const next of this.outputs.splice(0)) next.inputs.splice(next.inputs.indexOf(this), 1);
  }
}

class FakeSource extends FakeNode {
  readonly track: FakeTrack;

  constructor(track: FakeTrack) {
    super();
    this.track = track;
  }
}

class FakeGain extends FakeNode {
  readonly gain = { value: 1 };
}

class FakeWorkletNode extends FakeNode {
  readonly port = new FakePort((message) => this.onMessage(message));
  private readonly collector: MessageCollector;
  private readonly context: FakeContext;
  private isFlushed = false;

  constructor(
    context: FakeContext,
    _name: string,
    { processorOptions }: { processorOptions: CaptureProcessorOptions },
  ) {
    super();
    this.context = context;
    context.nodes.push(this);
    const frames = (processorOptions.messageMs / 1000) * context.sampleRate;
    this.collector = new MessageCollector(frames, (message) => this.port.arrive(message));
  }

  process(samples: Float32Array): void {
    const source = this.inputs[0];
    if (this.isFlushed || !(source instanceof FakeSource)) return;
    if (source.track.readyState === "live") {
      this.collector.push([source.track.enabled ? samples : samples.map(() => 0)]);
    }
  }

  private onMessage(message: unknown): void {
    if (message !== FLUSH || this.context.isDeaf) return;
    this.isFlushed = true;
    queueMicrotask(() => {
      this.collector.flush();
      this.port.arrive(FLUSHED);
    });
  }
}

export class FakeContext extends FakeTarget {
  readonly nodes: FakeWorkletNode[] = [];
  readonly destination = new FakeNode();
  readonly options: AudioContextOptions | undefined;
  readonly sampleRate: number;
  readonly modules: string[] = [];
  resumes = 0;
  /** Doesn't answer to messages any more. */
  isDeaf = false;
  state: AudioContextState = "suspended";
  private readonly browser: FakeBrowser;
  private readonly waiting: (() => void)[] = [];

  readonly audioWorklet = {
    addModule: async (url: string | URL): Promise<void> => {
      this.modules.push(String(url));
      await this.browser.loadModule();
    },
  };

  constructor(browser: FakeBrowser, options?: AudioContextOptions) {
    super();
    this.browser = browser;
    this.options = options;
    this.sampleRate = browser.sampleRate;
    browser.contexts.push(this);
  }

  resume(): Promise<void> {
    this.resumes++;
    if (this.browser.letsContextsRun) this.setState("running");
    // As in Chromium: it stays open until a gesture allows it.
    return this.state === "running"
      ? Promise.resolve()
      : new Promise((run) => this.waiting.push(run));
  }

  close(): Promise<void> {
    this.state = "closed";
    return Promise.resolve();
  }

  setState(state: AudioContextState): void {
    if (state === this.state) return;
    this.state = state;
    if (state === "running") for (const run of this.waiting.splice(0)) run();
    this.fire("statechange");
  }

  createMediaStreamSource(stream: FakeStream): FakeSource {
    return new FakeSource(stream.track);
  }

  createGain(): FakeGain {
    return new FakeGain();
  }

  /** What the microphone hears. */
  hear(samples: Float32Array): void {
    if (this.state === "running") for (const node of this.nodes) node.process(samples);
  }
}

class FakeMediaDevices extends FakeTarget {
  readonly asked: MediaStreamConstraints[] = [];
  readonly tracks: FakeTrack[] = [];
  list: { kind: string; deviceId: string; label: string }[] = [
    { kind: "audioinput", deviceId: "built-in", label: "Built-in" },
    { kind: "videoinput", deviceId: "camera", label: "Camera" },
  ];
  /** What the next call gives, instead of a track of the default device. */
  readonly answers: (() => Promise<FakeTrack>)[] = [];

  async getUserMedia(constraints: MediaStreamConstraints): Promise<FakeStream> {
    this.asked.push(constraints);
    const answer = this.answers.shift() ?? (() => Promise.resolve(builtIn()));
    const track = await answer();
    this.tracks.push(track);
    return new FakeStream(track);
  }

  enumerateDevices(): Promise<{ kind: string; deviceId: string; label: string }[]> {
    return Promise.resolve(this.list);
  }

  refuse(name: string, message = ""): void {
    this.answers.push(() => Promise.reject(new DOMException(message, name)));
  }
}

class FakeSentinel extends FakeTarget {
  released = false;

  release(): Promise<void> {
    this.released = true;
    return Promise.resolve();
  }
}

export class FakeWakeLock {
  readonly sentinels: FakeSentinel[] = [];
  isRefusing = false;

  request(): Promise<FakeSentinel> {
    if (this.isRefusing) return Promise.reject(new DOMException("Low battery", "NotAllowedError"));
    const sentinel = new FakeSentinel();
    this.sentinels.push(sentinel);
    return Promise.resolve(sentinel);
  }

  get held(): number {
    return this.sentinels.filter((sentinel) => !sentinel.released).length;
  }
}

/** All of them together. */
export class FakeBrowser {
  readonly document = new FakeDocument();
  readonly mediaDevices = new FakeMediaDevices();
  readonly wakeLock = new FakeWakeLock();
  readonly contexts: FakeContext[] = [];
  /** Of contexts made from now on, in Hz. */
  sampleRate = 48_000;
  /** Whether `resume` succeeds, which autoplay policies and calls prevent. */
  letsContextsRun = true;
  permission: PermissionState = "prompt";
  isSecureContext = true;
  loadModule: () => Promise<void> = () => Promise.resolve();

  get context(): FakeContext {
    return lastOf(this.contexts);
  }

  get track(): FakeTrack {
    return lastOf(this.mediaDevices.tracks);
  }

  /** What a page would be left with. */
  get leftovers() {
    const { document, mediaDevices, contexts } = this;
    const targets: FakeTarget[] = [document, mediaDevices, ...mediaDevices.tracks, ...contexts];
    const ports = contexts.flatMap((context) => context.nodes.map((node) => node.port));
    return {
      listeners: targets.reduce((count, target) => count + target.added.length, 0),
      liveTracks: mediaDevices.tracks.filter((track) => track.readyState === "live").length,
      openContexts: contexts.filter((context) => context.state !== "closed").length,
      openPorts: ports.filter((port) => !port.isClosed || port.onmessage !== null).length,
      wakeLocks: this.wakeLock.held,
    };
  }

  /** As `Microphone` takes it. */
  asBrowser(): MicrophoneBrowser {
    const makeContext = (options?: AudioContextOptions) => new FakeContext(this, options);
    const fakes = {
      isSecureContext: this.isSecureContext,
      document: this.document,
      mediaDevices: this.mediaDevices,
      permissions: { query: () => Promise.resolve({ state: this.permission }) },
      wakeLock: this.wakeLock,
      AudioContext: function (options?: AudioContextOptions) {
        return makeContext(options);
      },
      AudioWorkletNode: FakeWorkletNode,
      canReach: () => Promise.resolve(true),
    };
    // The fakes have only what a microphone uses of these large interfaces.
    return fakes as unknown as MicrophoneBrowser;
  }
}

export function builtIn(): FakeTrack {
  return new FakeTrack("Built-in", {
    deviceId: "built-in",
    echoCancellation: false,
    noiseSuppression: false,
    autoGainControl: false,
  });
}

function lastOf<Item>(items: readonly Item[]): Item {
  const last = items.at(-1);
  if (last === undefined) throw new Error("There is none yet.");
  return last;
}
