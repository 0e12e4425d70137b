import { describe, expect, test } from "vitest";
import { FakeBrowser } from "../test/FakeAudio";
import { DEVICE_KEY, listAudioInputs, rememberDevice, rememberedDevice } from "./devices";

test("only audio inputs are listed", async () => {
  const { mediaDevices } = new FakeBrowser().asBrowser();
  if (mediaDevices === undefined) throw new Error("The fake has media devices.");
  expect(await listAudioInputs(mediaDevices)).toEqual([
    { deviceId: "built-in", label: "Built-in" },
  ]);
});

describe("the remembered device", () => {
  function fakeStorage() {
    const values = new Map<string, string>();
    const storage = {
      getItem: (key: string) => values.get(key) ?? null,
      setItem: (key: string, value: string) => void values.set(key, value),
      removeItem: (key: string) => void values.delete(key),
    };
    return { values, storage: () => storage as Storage };
  }

  test("is the one chosen last, under one key", () => {
    const { values, storage } = fakeStorage();
    rememberDevice("first", storage);
    rememberDevice("second", storage);
    expect(rememberedDevice(storage)).toBe("second");
    expect([...values.keys()]).toEqual([DEVICE_KEY]);
  });

  test("is forgotten by choosing none", () => {
    const { values, storage } = fakeStorage();
    rememberDevice("first", storage);
    rememberDevice(undefined, storage);
    expect(rememberedDevice(storage)).toBeUndefined();
    expect(values.size).toBe(0);
  });

  test("is none where storage is forbidden, even by name", () => {
    const forbidden = () => {
      throw new DOMException("Denied", "SecurityError");
    };
    expect(() => rememberDevice("first", forbidden)).not.toThrow();
    expect(rememberedDevice(forbidden)).toBeUndefined();
  });
});
