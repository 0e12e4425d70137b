import type { Problem } from "../client/problems";
import { enFigures as figures } from "./figures";
import type { Notice, Remedies, Remedy } from "./Remedy";

const KEPT = "What you say is kept on this device (up to 5 minutes)";

/** What the recorder says. */
export const remedies: Remedies = {
  insecure_origin: {
    title: "The microphone works on secure pages only",
    text:
      "Browsers give the microphone only to pages whose address begins with https, and this one’s " +
      "doesn’t. Ask the operator for the https address and open that. On the computer that the " +
      "relay itself runs on, an address that begins with http://localhost works too.",
    action: null,
  },
  microphone_denied: ({ retryAfterMs }) =>
    retryAfterMs === 0
      ? {
          title: "This page needs the microphone",
          text:
            "The browser asked for permission and didn’t get it. Press the button, then choose " +
            "“Allow” when it asks again.",
          action: "Ask again",
        }
      : {
          title: "The microphone is blocked for this page",
          text:
            "Press the icon beside the page’s address, allow the microphone there, then try again. " +
            "If it is allowed already, look into the privacy settings of your device: they may " +
            "keep it from the whole browser.",
          action: "Try again",
        },
  no_microphone: {
    title: "No microphone was found",
    text: "Connect one or switch it on, wait until the device has noticed it, then look again.",
    action: "Look again",
  },
  microphone_busy: {
    title: "The microphone can’t be opened",
    text:
      "Another program probably uses it. End calls and other recordings, or choose another " +
      "microphone below, then open it again.",
    action: "Open it again",
  },
  blocked_by_policy: {
    title: "A rule keeps this page from the microphone",
    text:
      "Either the page is shown inside another one that doesn’t pass the microphone on, or your " +
      "organisation has switched it off. Open this page in a tab of its own; if that doesn’t " +
      "help, ask whoever looks after your device.",
    action: null,
  },
  microphone_lost: ({ isFinal }) => ({
    title: "The microphone is gone",
    text: isFinal
      ? "It was unplugged or switched off, and the recording has ended. What you said until then " +
        "is kept. Connect a microphone, then go on."
      : "It was unplugged or switched off. What you said until then is kept. Connect it again, or " +
        "choose another one below: the recording goes on with it.",
    action: isFinal ? "Go on recording" : null,
  }),
  silent_microphone: {
    title: "The microphone gives only silence",
    text:
      "Check its mute switch, on the cable or on the keyboard, and the loudness in the settings of " +
      "your device. Perhaps another microphone is the right one.",
    action: "Choose another microphone",
  },
  audio_blocked: {
    title: "The browser waits for a press",
    text: "It lets a page listen only after somebody has pressed something on it.",
    action: "Listen",
  },
  unsupported_browser: {
    title: "This browser can’t record here",
    text:
      "It lacks something that recording needs. Open this page in a current version of Chrome, " +
      "Edge, Firefox or Safari.",
    action: null,
  },
  not_signed_in: {
    title: "You are no longer signed in",
    text:
      "Your sign-in has run out, or was ended elsewhere. Sign in again in a new tab; the text on " +
      "this page stays. Then come back and start recording.",
    action: "Sign in",
  },
  not_allowed: {
    title: "Recording isn’t allowed from this address",
    text:
      "The relay takes recordings only from pages whose addresses it knows. Ask the operator which " +
      "address to use, or to allow this one.",
    action: null,
  },
  limit_reached: limitReached,
  relay_away: ({ isFinal }) => ({
    title: "The connection is interrupted",
    text: isFinal
      ? "The relay can’t be reached. Check whether this device is on the network, then connect " +
        "again. The text on this page stays."
      : `${KEPT} and sent as soon as the connection is back.`,
    action: isFinal ? "Connect again" : null,
  }),
  relay_fault: ({ isFinal }) => ({
    title: "Something went wrong at the relay",
    text: isFinal
      ? "It is not your doing, and it has been logged. Start once more; if it happens again, tell " +
        "the operator when it was."
      : `It is not your doing. ${KEPT} while the relay is asked again.`,
    action: isFinal ? "Start once more" : null,
  }),
  provider_away: ({ isFinal }) => ({
    title: "Speech recognition doesn’t answer",
    text: isFinal
      ? "The service that turns speech into text can’t be reached just now. Wait a minute, then " +
        "begin again."
      : `The service that turns speech into text can’t be reached just now. ${KEPT} until it ` +
        "answers.",
    action: isFinal ? "Begin again" : null,
  }),
  provider_refused: {
    title: "Speech recognition has refused",
    text:
      "The service that turns speech into text doesn’t accept the operator’s account at present. " +
      "Only the operator can put that right: please let them know.",
    action: null,
  },
  taken_over: {
    title: "The recording goes on elsewhere",
    text:
      "It was taken over in another tab or on another device. Go on there, or start a recording of " +
      "its own here.",
    action: "Record here",
  },
  invalid_request: {
    title: "The relay can’t use these settings",
    text:
      "Something that this page asked for doesn’t fit. Choose another language or other settings " +
      "below, then start with them. If that doesn’t help, tell the operator.",
    action: "Start with these settings",
  },
};

function limitReached({ errorType, retryAfterMs, isFinal }: Problem): Remedy {
  const wait = retryAfterMs === null || retryAfterMs <= 0 ? null : figures.duration(retryAfterMs);
  const again = isFinal
    ? `Wait ${wait ?? "a little"}, then start again.`
    : `${KEPT}, and the relay is asked again by itself.`;
  const action = isFinal ? "Start again" : null;
  switch (errorType) {
    case "quota_exceeded":
      return {
        title: "The minutes for today are used up",
        text:
          (wait === null ? "" : `There are new ones in ${wait}. `) +
          "If you need more, ask the operator. The text on this page stays.",
        action: null,
      };
    case "too_many_sessions":
      return {
        title: "Too many recordings run at once",
        text: `As many are running as may. End one in another tab or on another device. ${again}`,
        action,
      };
    case "rate_limited":
      return { title: "Too many starts in a short time", text: again, action };
    case "session_time_limit_exceeded":
      return {
        title: "This recording is as long as one may be",
        text: "Everything said until now is kept. You can go on at once, below the same text.",
        action: "Go on",
      };
    default:
      return { title: "A limit has been reached", text: again, action };
  }
}

const STAFF: Notice = {
  title: "This device can’t listen just now",
  text: "Please tell somebody who works here.",
};

const AWAY: Remedies<Notice>["relay_away"] = ({ isFinal }) =>
  isFinal
    ? {
        title: "There is no connection",
        text: "Please try again in a minute, or ask somebody here.",
      }
    : { title: "One moment, please", text: "The connection is coming back. Your words are kept." };

/** What a kiosk says: to people who can change nothing about the device, and read it from afar. */
export const kioskRemedies: Remedies<Notice> = {
  insecure_origin: STAFF,
  microphone_denied: STAFF,
  no_microphone: STAFF,
  microphone_busy: STAFF,
  blocked_by_policy: STAFF,
  microphone_lost: STAFF,
  silent_microphone: {
    title: "Nothing can be heard",
    text: "Please come closer and speak up. If that doesn’t help, tell somebody who works here.",
  },
  audio_blocked: { title: "Please touch the screen", text: "Then the device can listen." },
  unsupported_browser: STAFF,
  not_signed_in: STAFF,
  not_allowed: STAFF,
  limit_reached: ({ retryAfterMs }) => ({
    title: "This device is pausing",
    text:
      retryAfterMs === null || retryAfterMs <= 0
        ? "It has listened as much as it may for now. Please try again later."
        : `It has listened as much as it may for now. It goes on in ${figures.duration(retryAfterMs)}.`,
  }),
  relay_away: AWAY,
  relay_fault: AWAY,
  provider_away: AWAY,
  provider_refused: STAFF,
  taken_over: STAFF,
  invalid_request: STAFF,
};
