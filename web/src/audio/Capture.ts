import { problem } from "../client/problems";
import {
  type CaptureMessage,
  type CaptureProcessorOptions,
  FLUSH,
  FLUSHED,
  PROCESSOR_NAME,
} from "./captureProtocol";
import { MicrophoneError } from "./MicrophoneError";
import { type MicrophoneBrowser, refusalOf, supportOf } from "./MicrophoneBrowser";
import { captureProblem, missingSupport, workletProblem } from "./microphoneProblem";
import type { AppliedAudio, MicrophoneOptions } from "./types";

const MESSAGE_MS = { default: 50, min: 10, max: 500 } as const;

/** An audio thread that doesn't answer by then (its context has been interrupted) never will. */
const FLUSH_TIMEOUT_MS = 250;

/**
 * One microphone stream in one AudioContext, from opening to closing; never opened twice.
 *
 * Another device, another processing or a new context is another capture: a context takes the rate
 * of the hardware once and keeps it.
 */
export class Capture {
  /**
   * Made in the constructor, thus in the click, without which iOS doesn't start it. Its rate is
   * the browser's to choose: Firefox connects no stream of another rate.
   */
  readonly context: AudioContext;
  private readonly browser: MicrophoneBrowser;
  private readonly options: MicrophoneOptions;
  private readonly onSamples: (samples: Float32Array) => void;
  private stream: MediaStream | null;
  private readonly lender: Capture | null;
  private ownsStream: boolean;
  private source: MediaStreamAudioSourceNode | null = null;
  private node: AudioWorkletNode | null = null;
  private gain: GainNode | null = null;
  private onFlushed: () => void = () => undefined;
  private hasClosed = false;
  private onClosed: () => void = () => undefined;
  private readonly closed = new Promise<void>((resolve) => (this.onClosed = resolve));

  /**
   * @param lender Its stream is used, if it still gives sound, instead of asking for one.
   * @throws MicrophoneError If the browser can't capture at all.
   */
  constructor(
    browser: MicrophoneBrowser,
    options: MicrophoneOptions,
    onSamples: (samples: Float32Array) => void,
    lender: Capture | null = null,
  ) {
    const missing = missingSupport(supportOf(browser));
    if (missing !== null) throw new MicrophoneError(missing);
    this.browser = browser;
    this.options = options;
    this.onSamples = onSamples;
    this.lender = lender;
    this.stream = lender?.usableStream ?? null;
    this.ownsStream = this.stream === null;
    this.context = createContext(present(browser.AudioContext));
    void this.resume();
  }

  get isClosed(): boolean {
    return this.hasClosed;
  }

  /** Null before it is open. */
  get track(): MediaStreamTrack | null {
    return this.stream?.getAudioTracks()[0] ?? null;
  }

  /**
   * Get the stream and load the worklet.
   *
   * @throws MicrophoneError If the browser refuses.
   * @throws DOMException `AbortError` if it is closed meanwhile.
   */
  async open(): Promise<void> {
    const closed = this.closed.then(() => {
      throw new DOMException("The microphone has been stopped.", "AbortError");
    });
    await Promise.race([Promise.all([this.getStream(), this.loadWorklet()]), closed]);
    // Unplugged meanwhile: its "ended" event came before anyone listened.
    if (this.track?.readyState !== "live") throw new MicrophoneError(problem("no_microphone"));
  }

  /** Start to collect. What is collected waits until `deliver` or `flush`. */
  collect(): void {
    this.source = this.context.createMediaStreamSource(present(this.stream));
    this.node = this.createNode();
    // Browsers pull only what leads to the destination; the gain keeps it from being heard.
    this.gain = this.context.createGain();
    this.gain.gain.value = 0;
    this.source.connect(this.node).connect(this.gain).connect(this.context.destination);
    this.ownStream();
  }

  /** Hand over what has been collected, and from now on everything. */
  deliver(): void {
    // A port keeps its messages until it has a listener, so none is lost before.
    if (this.node === null || this.hasClosed) return;
    this.node.port.onmessage = ({ data }: MessageEvent<CaptureMessage>) => this.receive(data);
  }

  /** Hand over the tail, and collect no more. */
  async flush(): Promise<void> {
    const { node } = this;
    if (node === null || this.hasClosed) return;
    const flushed = new Promise<void>((resolve) => (this.onFlushed = resolve));
    this.deliver();
    node.port.postMessage(FLUSH);
    await this.waitFor(flushed, FLUSH_TIMEOUT_MS);
  }

  /** Resolves once the context runs, which may need a gesture, or is closed. */
  async resume(): Promise<void> {
    try {
      await this.context.resume();
    } catch {
      // Refused while the system holds the audio; the state tells, and it is tried again.
    }
  }

  /** Whether the context runs within `ms`. */
  async runsWithin(ms: number): Promise<boolean> {
    await this.waitFor(this.resume(), ms);
    return this.context.state === "running";
  }

  /** Stop the track and close the context, whatever has been reached; may be called again. */
  close(): void {
    if (this.hasClosed) return;
    this.hasClosed = true;
    this.onClosed();
    this.disconnect();
    if (this.ownsStream && this.stream !== null) stopTracks(this.stream);
    this.context.close().catch(() => undefined);
  }

  /** What the browser says that it applied, whatever was asked for; only while open. */
  applied(): AppliedAudio {
    const settings = this.track?.getSettings() ?? {};
    return {
      deviceId: settings.deviceId ?? null,
      label: this.track?.label ?? "",
      sampleRate: this.context.sampleRate,
      echoCancellation: isOn(settings.echoCancellation),
      noiseSuppression: isOn(settings.noiseSuppression),
      autoGainControl: isOn(settings.autoGainControl),
    };
  }

  private get usableStream(): MediaStream | null {
    return this.track?.readyState === "live" && !this.track.muted ? this.stream : null;
  }

  /** The lender keeps its stream as long as this capture can still fail. */
  private ownStream(): void {
    if (this.ownsStream || this.lender === null) return;
    this.lender.ownsStream = false;
    this.ownsStream = true;
  }

  private async getStream(): Promise<void> {
    if (this.stream !== null) return;
    const stream = await this.askForStream();
    // Closed while the person was being asked: nobody else knows of this stream.
    if (this.hasClosed) stopTracks(stream);
    else this.stream = stream;
  }

  private async askForStream(): Promise<MediaStream> {
    try {
      const constraints = { audio: constraintsOf(this.options), video: false };
      return await present(this.browser.mediaDevices).getUserMedia(constraints);
    } catch (error) {
      throw new MicrophoneError(captureProblem(error, await refusalOf(this.browser)));
    }
  }

  private async loadWorklet(): Promise<void> {
    const url = this.options.workletUrl ?? besideThisModule();
    try {
      await this.context.audioWorklet.addModule(url);
    } catch (error) {
      const isReachable = await this.browser.canReach(String(url));
      throw new MicrophoneError(workletProblem(error, String(url), isReachable));
    }
  }

  private createNode(): AudioWorkletNode {
    const processorOptions: CaptureProcessorOptions = { messageMs: messageMs(this.options) };
    return new (present(this.browser.AudioWorkletNode))(this.context, PROCESSOR_NAME, {
      numberOfInputs: 1,
      numberOfOutputs: 1,
      outputChannelCount: [1],
      processorOptions,
    });
  }

  /** At most `ms` long, and no longer than until it is closed. */
  private async waitFor(work: Promise<void>, ms: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
    await Promise.race([work, late, this.closed]);
    clearTimeout(timer);
  }

  private receive(message: CaptureMessage): void {
    if (message === FLUSHED) this.onFlushed();
    else this.onSamples(message);
  }

  private disconnect(): void {
    if (this.node !== null) {
      this.node.port.onmessage = null;
      this.node.port.close();
    }
    for (const part of [this.source, this.node, this.gain]) part?.disconnect();
  }
}

function createContext(Context: typeof AudioContext): AudioContext {
  try {
    return new Context({ latencyHint: "interactive" });
  } catch (error) {
    // Browsers limit how many a page may have.
    throw new MicrophoneError(problem("unsupported_browser", { detail: String(error) }));
  }
}

/** Only ideals: an exact device fails on iOS, and when it has been unplugged. */
function constraintsOf(options: MicrophoneOptions): MediaTrackConstraints {
  return {
    ...(options.deviceId === undefined ? {} : { deviceId: { ideal: options.deviceId } }),
    channelCount: { ideal: 1 },
    echoCancellation: options.echoCancellation ?? false,
    noiseSuppression: options.noiseSuppression ?? false,
    autoGainControl: options.autoGainControl ?? false,
  };
}

function messageMs({ messageMs = MESSAGE_MS.default }: MicrophoneOptions): number {
  return Math.min(MESSAGE_MS.max, Math.max(MESSAGE_MS.min, messageMs));
}

/** Not followed by bundlers, which would inline so small a file as a `data:` URL, against CSP. */
function besideThisModule(): URL {
  return new URL(/* @vite-ignore */ "./capture.worklet.js", import.meta.url);
}

/** Browsers may name the kind of processing (`"all"`) where others say `true`. */
function isOn(setting: boolean | string | undefined): boolean | null {
  return setting === undefined ? null : setting !== false;
}

function stopTracks(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

/** What the constructor or `open` has made sure of. */
function present<Value>(value: Value | null | undefined): Value {
  if (value === null || value === undefined) throw new Error("The capture is not open.");
  return value;
}
