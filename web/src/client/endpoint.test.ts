import { expect, test } from "vitest";
import { buildEndpoint, type EndpointRequest } from "./endpoint";

const request: EndpointRequest = {
  url: "https://relay.example.org",
  sampleRate: 48_000,
  parameters: {},
  credential: null,
  resume: null,
};

test.each([
  ["http://127.0.0.1:8000", "ws://127.0.0.1:8000/v1/stream"],
  ["https://relay.example.org", "wss://relay.example.org/v1/stream"],
  ["wss://relay.example.org/speech/", "wss://relay.example.org/speech/v1/stream"],
  ["ws://relay.example.org/v1/stream?old=1#there", "ws://relay.example.org/v1/stream"],
])("%s is reached at %s", (url, address) => {
  expect(buildEndpoint({ ...request, url }).url).toBe(`${address}?sample_rate=48000`);
});

test.each(["ftp://relay.example.org", "relay.example.org", "/v1/stream"])(
  "%s is no relay's address",
  (url) => {
    expect(() => buildEndpoint({ ...request, url })).toThrow(TypeError);
  },
);

test("parameters go by their names, lists as the same name several times", () => {
  const parameters = { keyterms: ["Köln", "a&b"], no_verbatim: true, model_id: undefined };
  const query = new URL(buildEndpoint({ ...request, parameters }).url).searchParams;
  expect(query.getAll("keyterms")).toEqual(["Köln", "a&b"]);
  expect(query.get("no_verbatim")).toBe("true");
  expect(query.has("model_id")).toBe(false);
});

test("how samples are written can't be chosen", () => {
  const parameters = { encoding: "pcm_s16le", channels: 2, sample_rate: 8_000 };
  const { search } = new URL(buildEndpoint({ ...request, parameters }).url);
  expect(search).toBe("?sample_rate=48000");
});

test("secrets stand in subprotocols and never in the URL", () => {
  const { url, protocols } = buildEndpoint({
    ...request,
    url: "https://user:password@relay.example.org",
    credential: { ticket: "t1ck3t" },
    resume: { token: "t0k3n", lastSeq: 7, lastSegment: 2, fromSample: 480, coveredSample: 960 },
  });
  expect(protocols).toEqual(["scribe-relay.v1", "ticket.t1ck3t", "resume.t0k3n"]);
  expect(url).not.toMatch(/t1ck3t|t0k3n|password/);
  expect(() => buildEndpoint({ ...request, parameters: { token: "x" } })).toThrow(TypeError);
});

test("a resume says what was received and from where on audio is there", () => {
  const resume = { token: "t", lastSeq: 7, lastSegment: null, fromSample: 480, coveredSample: 960 };
  const query = new URL(buildEndpoint({ ...request, resume }).url).searchParams;
  expect([query.get("last_seq"), query.get("from_sample")]).toEqual(["7", "480"]);
  expect(query.get("covered_sample")).toBe("960");
  expect(query.has("last_segment")).toBe(false);
});
