import { expect, test, vi } from "vitest";

import { FakeWebSocket } from "../test/FakeWebSocket";
import { Line } from "./Line";

test("nothing is taken for a socket that is closing, though nobody has been told yet", () => {
  const socket = new FakeWebSocket("ws://relay.test");
  const takeMessages = vi.fn(() => []);
  const line = new Line(socket, {
    takeMessages,
    opened: () => undefined,
    received: () => undefined,
    lost: () => undefined,
  });
  socket.open();
  line.pump();
  expect(takeMessages).toHaveBeenCalled();
  takeMessages.mockClear();
  socket.isClosing = true;
  line.pump();
  expect(takeMessages).not.toHaveBeenCalled();
  line.close(1000);
});
