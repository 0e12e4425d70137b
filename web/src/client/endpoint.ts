/** Where to connect, and what to show there. */

import { SUBPROTOCOL } from "./protocol";
import type { Credential } from "./types";

const STREAM_PATH = "/v1/stream";

/** Schemes a relay's origin may be given by → the WebSocket's. */
const SCHEMES: Readonly<Record<string, string>> = {
  "http:": "ws:",
  "https:": "wss:",
  "ws:": "ws:",
  "wss:": "wss:",
};

/** How this client always writes its samples, so these can't be chosen. */
const FIXED = ["encoding", "channels"];

export type ParameterValue = string | number | boolean | readonly string[];

/** Where a session that broke off is taken up again. Frames are the relay session's own. */
export interface ResumePoint {
  token: string;
  lastSeq: number;
  /** Null before the first final. */
  lastSegment: number | null;
  /** The earliest frame that can still be sent. */
  fromSample: number;
  /** The frame before which everything is settled. */
  coveredSample: number;
}

export interface EndpointRequest {
  url: string | URL;
  /** Hz, of the first samples that will be sent. */
  sampleRate: number;
  parameters: Readonly<Record<string, ParameterValue | undefined>>;
  credential: Credential;
  resume: ResumePoint | null;
}

export interface Endpoint {
  /** Holds no secret: URLs stand in access logs. */
  url: string;
  /** The relay's subprotocol first; the secrets are further values beside it. */
  protocols: string[];
}

/**
 * @throws TypeError if the URL isn't an absolute http(s) or ws(s) one, or would hold a secret.
 */
export function buildEndpoint(request: EndpointRequest): Endpoint {
  const url = streamUrl(request.url);
  url.search = buildQuery(request).toString();
  return { url: url.href, protocols: buildProtocols(request) };
}

function streamUrl(base: string | URL): URL {
  const given = new URL(base);
  const scheme = SCHEMES[given.protocol];
  if (scheme === undefined) throw new TypeError(`a relay can't be reached by ${given.protocol}`);
  let path = given.pathname.replace(/\/+$/, "");
  if (!path.endsWith(STREAM_PATH)) path += STREAM_PATH;
  // Built anew, since a URL doesn't let its scheme be changed from http to ws; names and passwords
  // in it are secrets, and stay behind.
  return new URL(`${scheme}//${given.host}${path}`);
}

function buildQuery({ sampleRate, parameters, resume }: EndpointRequest): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (name === "token") throw new TypeError("no credential may stand in a URL");
    if (value === undefined || FIXED.includes(name)) continue;
    for (const one of Array.isArray(value) ? value : [value]) query.append(name, String(one));
  }
  query.set("sample_rate", String(sampleRate));
  if (resume === null) return query;
  query.set("last_seq", String(resume.lastSeq));
  if (resume.lastSegment !== null) query.set("last_segment", String(resume.lastSegment));
  query.set("from_sample", String(resume.fromSample));
  query.set("covered_sample", String(resume.coveredSample));
  return query;
}

function buildProtocols({ credential, resume }: EndpointRequest): string[] {
  const protocols = [SUBPROTOCOL];
  if (credential !== null) protocols.push(`ticket.${credential.ticket}`);
  if (resume !== null) protocols.push(`resume.${resume.token}`);
  return protocols;
}
