import type { Texts } from "./en";
import { remedyBy } from "./Remedy";
import { ruFigures as figures } from "./figures";
import { kioskRemedies, remedies } from "./ruRemedies";
import { speechLanguagesIn } from "./speechLanguages";

/** Every text in Russian. */
export const ru: Texts = {
  language: "ru",
  milliseconds: figures.milliseconds,
  remedy: remedyBy(remedies),

  record: {
    label: "Запись речи",
    start: "Начать запись",
    stop: "Остановить запись",
    mute: "Выключить микрофон",
    unmute: "Включить микрофон",
    isKept: "Звук записывается и сохраняется.",
  },

  states: {
    idle: "Готово к записи",
    starting: "Включается микрофон",
    connecting: "Соединение",
    live: "На связи",
    reconnecting: "Связь восстанавливается",
    resumed: "Отправка накопленного",
    muted: "Микрофон выключен",
    paused: "Пауза",
    stopping: "Завершение",
    queued: (position) => `Ожидание, место ${position}`,
  },

  transcript: {
    label: "Расшифровка",
    empty: "Начните запись, и всё сказанное появится здесь текстом.",
    newest: "К последним словам",
    gap: ({ startSeconds, endSeconds }) =>
      `здесь не хватает ${figures.seconds(endSeconds - startSeconds)}`,
    mended: ({ lastedMs, missingSeconds }) => {
      const lost = `связи не было ${figures.seconds(lastedMs / 1_000)}`;
      const missing = missingSeconds > 0 ? `потеряно ${figures.seconds(missingSeconds)}` : null;
      return `${lost}, ${missing ?? "ничего не потеряно"}`;
    },
  },

  statistics: {
    words: "слова",
    segments: "фрагменты",
    duration: "время",
    wordsPerMinute: "слов/мин",
  },

  microphone: {
    choice: "Микрофон",
    system: "Системный микрофон",
    level: "Громкость",
    settings: "Звук",
    echoCancellation: "Убирать эхо динамиков",
    noiseSuppression: "Подавлять шум",
    autoGainControl: "Выравнивать громкость",
    applied: ({ label, sampleRate }) =>
      `Используется: ${label === "" ? "микрофон без названия" : label}, ${figures.rate(sampleRate)}`,
    notApplied: (applied, hasSwitched) => {
      if (applied === null) return "Недоступно на этом устройстве";
      if (hasSwitched)
        return applied ? "Включено до конца записи" : "Включится со следующей записи";
      return applied ? "На этом устройстве не отключается" : "На этом устройстве не включается";
    },
  },

  speechLanguage: {
    choice: "Язык речи",
    nextTime: "Язык можно сменить, когда запись остановлена",
  },
  speechLanguages: speechLanguagesIn("ru", "Определять язык"),

  copy: {
    label: "Копировать",
    done: "Скопировано",
    failed: "Скопировать не удалось; выделите текст вручную",
  },

  download: {
    label: "Скачать",
    formats: {
      txt: "Простой текст (.txt)",
      srt: "Субтитры (.srt)",
      vtt: "Субтитры для веб-страниц (.vtt)",
      json: "Всё, со временем слов (.json)",
    },
  },

  clear: {
    label: "Новая запись",
    question: "Начать заново? Текст исчезнет с этой страницы.",
    keep: "Оставить текст",
    confirm: "Убрать и начать заново",
  },

  keys: {
    space: "Пробел",
    toggle: "начать и остановить",
    mute: "выключить микрофон",
  },

  announcements: {
    started: "Запись идёт",
    stopped: "Запись остановлена",
    muted: "Микрофон выключен",
    unmuted: "Микрофон снова включён",
    reconnecting: "Связь прервалась; сказанное сохраняется",
    reconnected: "Связь восстановлена",
  },

  history: {
    selectAll: "Все на этой странице",
    wordAt: ({ word, start, end }) => `«${word}», с ${start} по ${end}`,
  },

  kiosk: {
    start: "Коснитесь, чтобы говорить",
    stop: "Коснитесь, чтобы закончить",
    listening: "Слушаю",
    remedy: remedyBy(kioskRemedies),
  },
};
