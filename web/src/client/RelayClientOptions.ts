import type { ParameterValue } from "./endpoint";
import type { SocketLike } from "./Line";
import { MAX_SAMPLE_RATE, MIN_SAMPLE_RATE } from "./protocol";
import type { ReconnectPolicy } from "./ReconnectPolicy";
import type { CredentialProvider } from "./types";

export interface RelayClientOptions {
  /** The relay's origin, http(s) or ws(s); a path of its own is kept as a prefix. */
  url: string | URL;
  /** Of the first samples, in Hz, 8000–192000. */
  sampleRate: number;
  /** Who ends segments: the relay at pauses (`vad`, the default), or `commit()`. */
  commitStrategy?: "manual" | "vad" | undefined;
  modelId?: string | undefined;
  /** ISO 639-1 or 639-3; detected if not given. */
  languageCode?: string | undefined;
  /** Whether word times are asked for; true by default. */
  includeTimestamps?: boolean | undefined;
  includeLanguageDetection?: boolean | undefined;
  /** Any other parameter of Scribe's, by its own name. */
  parameters?: Readonly<Record<string, ParameterValue>> | undefined;
  /** Called for every session that begins; without it the browser's cookie has to do. */
  credential?: CredentialProvider | undefined;
  /** When to connect again; `defaultReconnectPolicy` by default. */
  reconnect?: ReconnectPolicy | undefined;
  /** How much audio is kept until it has its final, in seconds; 300 by default. */
  ringSeconds?: number | undefined;
  /** Aborting closes. */
  signal?: AbortSignal | undefined;
  /** Instead of the browser's WebSocket. */
  createSocket?: ((url: string, protocols: string[]) => SocketLike) | undefined;
  /** Milliseconds on a clock that never jumps; `performance.now` by default. */
  now?: (() => number) | undefined;
  /** In [0, 1); `Math.random` by default. */
  random?: (() => number) | undefined;
}

/** The options as query parameters, under Scribe's names. */
export function queryParameters(
  options: RelayClientOptions,
): Record<string, ParameterValue | undefined> {
  return {
    ...options.parameters,
    commit_strategy: options.commitStrategy ?? "vad",
    model_id: options.modelId ?? options.parameters?.model_id,
    language_code: options.languageCode ?? options.parameters?.language_code,
    include_timestamps: options.includeTimestamps ?? true,
    include_language_detection:
      options.includeLanguageDetection ?? options.parameters?.include_language_detection,
  };
}

/** @throws RangeError if the rate, in Hz, is none that the relay takes. */
export function checkedRate(rate: number): number {
  if (Number.isInteger(rate) && rate >= MIN_SAMPLE_RATE && rate <= MAX_SAMPLE_RATE) return rate;
  throw new RangeError(
    `${rate} isn't a whole rate from ${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE} Hz`,
  );
}
