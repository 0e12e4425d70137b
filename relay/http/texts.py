"""Every text of the pages, in English and in Russian. Pure.

Figures carry units instead of words that would have to agree with them. What a page repeats from
a request is escaped by the template that shows the text.
"""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from relay.http import history_texts
from relay.http.preferences import weights

Language: TypeAlias = Literal["en", "ru"]

_EN: Final[Mapping[str, str]] = {
    # Every page.
    "skip": "Skip to the content",
    "nav": "Pages",
    "nav.record": "Record",
    "nav.ops": "Operations",
    "usage": "Usage",
    "sign_out": "Sign out",
    "detail": "Details:",
    # Signing in.
    "login.title": "Sign in",
    "login.intro": "This relay turns speech into text for people who have an account here.",
    "login.name": "Name",
    "login.password": "Password",
    "login.submit": "Sign in",
    "login.help": "No account, or the password is lost? Ask an operator for a sign-in link.",
    "login.wrong": "This name and password don’t go together. Check both and try again, or ask "
    "an operator for a sign-in link.",
    "login.missing": "Enter your name and your password, then sign in.",
    "login.wait": "Too many attempts. Wait {seconds} s, then try again.",
    "link.title": "Sign in with a link",
    "link.intro": "An operator made this link for you. It works once: press the button, and this "
    "browser is signed in for 30 days.",
    "link.warning": "Only go on if you asked for it and this is your own device.",
    "link.replaces": "You are signed in as {name}; the link takes its place.",
    "link.submit": "Sign in on this device",
    "link.used.title": "This link can’t be used any more",
    "link.used": "It was used already, or more than ten minutes have passed. Ask an operator for a "
    "new link, or sign in with your password.",
    "link.used.action": "Sign in with a password",
    # What needs scripts.
    "record.no_scripts.title": "Recording needs JavaScript",
    "record.no_scripts": "Allow it for this page, then reload. Without it, transcribe files on any "
    "computer that has scribe-relay: “scribe-relay transcribe talk.mp3 --url {origin}”.",
    "unbuilt.title": "This page is not built yet",
    "unbuilt": "Whoever runs this relay from its source: run “make web” in the checkout, then "
    "restart the relay. Everything but recording works meanwhile.",
    # Kiosks.
    "kiosk.title": "Kiosk",
    "kiosk.new.heading": "This device is not a kiosk yet.",
    "kiosk.new.text": "Show a code and have an operator approve it. From then on the device may "
    "turn speech into text without anybody’s password.",
    "kiosk.expired.heading": "The code has expired.",
    "kiosk.expired.text": "Nobody approved it in time. Show a new code and have an operator "
    "approve it within ten minutes.",
    "kiosk.revoked.heading": "This device is no longer a kiosk.",
    "kiosk.revoked.text": "An operator withdrew its approval. If that was a mistake, show a new "
    "code and have it approved.",
    "kiosk.show": "Show a code",
    "kiosk.full": "Too many devices are waiting for approval. Wait {minutes} min, then show a "
    "code again.",
    "kiosk.waiting": "Waiting for approval",
    "kiosk.code": "Code",
    "kiosk.scan": "Scan this as an operator, or open {address} and enter the code.",
    "kiosk.qr": "QR code that opens the operators’ page with this code",
    "kiosk.left": "Valid for {minutes} min more",
    "kiosk.last_minute": "Valid for less than a minute",
    "kiosk.ready": "Ready",
    "kiosk.ready.heading": "This kiosk is ready.",
    "kiosk.ready.text": "Speech from this device may be turned into text. Nobody has to sign in.",
    "kiosk.by_place": "Known by its place in the network",
    "kiosk.by_cookie": "Approved by an operator",
    "kiosk.options": "Fixed for every session",
    "kiosk.options.none": "Nothing is fixed; each session chooses for itself.",
    "kiosk.person.heading": "Somebody is signed in here.",
    "kiosk.person.text": "This browser acts for {name}. Sign out first, so that nobody at the "
    "kiosk speaks in that name.",
    "kiosk.proxy.text": "Your proxy signs this browser in as {name}. Have it let this device "
    "through without a name; then reload.",
    # Operations.
    "ops.title": "Operations",
    "ops.as_of": "As of {time} UTC",
    "ops.refresh": "Refresh",
    "ops.health": "Health",
    "ops.health.key": "provider key",
    "ops.health.upstream": "provider",
    "ops.health.redis": "Redis",
    "ops.health.database": "database",
    "ops.health.ok": "works",
    "ops.health.bad": "fails",
    "ops.kpi": "Figures",
    "ops.kpi.live": "live sessions",
    "ops.kpi.today": "audio today",
    "ops.kpi.price": "estimated cost today",
    "ops.kpi.kiosks": "kiosks",
    "ops.kpi.waiting": "waiting for approval",
    "ops.kpi.week": "last 7 days",
    "ops.sessions": "Live sessions",
    "ops.sessions.none": "Nobody speaks at the moment.",
    "ops.sessions.unknown": "Live sessions can’t be listed, because Redis doesn’t answer. They go "
    "on all the same. Check Redis, then refresh.",
    "ops.sessions.more": "{count} more are not shown; /api/sessions lists all of them.",
    "ops.session": "session",
    "ops.who": "who",
    "ops.state": "state",
    "ops.state.queued": "queued",
    "ops.state.opening": "opening",
    "ops.state.open": "open",
    "ops.state.parked": "parked",
    "ops.state.ending": "ending",
    "ops.warning.silent_microphone": "silent microphone",
    "ops.warning.clipping": "too loud",
    "ops.warning.dc_offset": "off centre",
    "ops.warning.rate_mismatch": "wrong sample rate",
    "ops.language": "language",
    "ops.language.detect": "detected",
    "ops.audio": "audio",
    "ops.since": "since",
    "ops.actions": "actions",
    "ops.end": "End",
    "ops.end.confirm": "End now",
    "ops.end.of": "session {name}",
    "ops.workers": "Workers",
    "ops.workers.unknown": "Workers can’t be listed, because Redis doesn’t answer.",
    "ops.worker": "worker",
    "ops.duty": "duty",
    "ops.duty.serving": "takes sessions",
    "ops.duty.draining": "draining",
    "ops.duty.drained": "drained",
    "ops.duty.leaving": "ends",
    "ops.worker.sessions": "sessions",
    "ops.drain": "Drain",
    "ops.drain.confirm": "Drain now",
    "ops.drain.text": "Its sessions move to other workers within 15 s, and it takes no new ones.",
    "ops.drain.last": "No other worker takes sessions. Its sessions wait for at most half a minute "
    "until one does, and new ones are refused.",
    "ops.serve": "Take sessions again",
    "ops.waiting": "Kiosks waiting",
    "ops.waiting.none": "No device waits. Open /kiosk on a device, and its code appears here.",
    "ops.waiting.left": "{address} · {minutes} min left",
    "ops.waiting.choose": "Enter this code",
    "ops.approve": "Approve a kiosk",
    "ops.approve.warning": "Approve only a device on which you can see this code.",
    "ops.approve.code": "Code",
    "ops.approve.code.bad": "No device waits with this code; it may have expired. Check it, or "
    "show a new code on the device.",
    "ops.approve.name": "Name of the kiosk",
    "ops.approve.name.hint": "Where it stands, for example.",
    "ops.approve.name.bad": "A name has 1 to 64 visible characters and no space around it. Choose "
    "another one.",
    "ops.approve.name.taken": "Another kiosk has this name. Choose another one, or revoke that "
    "kiosk first.",
    "ops.approve.language": "Language",
    "ops.approve.language.any": "Detect it",
    "ops.approve.options": "Further options",
    "ops.approve.options.hint": "One on each line, such as keyterms=Kyiv. They hold for every "
    "session of this kiosk.",
    "ops.approve.options.line": "“{line}” is not of the form name=value. Correct it and approve "
    "again.",
    "ops.approve.options.bad": "No session could run with these options. Correct them and approve "
    "again.",
    "ops.approve.submit": "Approve",
    "ops.kiosks": "Kiosks",
    "ops.kiosks.none": "There is no kiosk yet.",
    "ops.kiosk": "kiosk",
    "ops.options": "options",
    "ops.approved_by": "approved by",
    "ops.created": "since",
    "ops.uncollected": "approved, not fetched yet",
    "ops.revoke": "Revoke",
    "ops.revoke.confirm": "Revoke now",
    "ops.users": "People",
    "ops.user": "name",
    "ops.role": "role",
    "ops.role.user": "user",
    "ops.role.operator": "operator",
    "ops.you": "you",
    "ops.sign_in": "signs in with",
    "ops.sign_in.password": "password or link",
    "ops.sign_in.link": "link",
    "ops.link": "Sign-in link",
    "ops.link.for": "for {name}",
    "ops.remove": "Remove",
    "ops.remove.confirm": "Remove now",
    "ops.add": "Add somebody",
    "ops.add.name": "Name of somebody new",
    "ops.add.name.bad": "A name has 1 to 64 visible characters and no space around it. Choose "
    "another one.",
    "ops.add.name.taken": "Somebody has this name already. Choose another one.",
    "ops.add.operator": "is an operator",
    "ops.add.submit": "Add",
    "ops.usage": "Usage of the last 7 days",
    "ops.usage.none": "Nothing was used in the last 7 days.",
    "ops.usage.day": "day",
    "ops.usage.account": "account",
    "ops.usage.sessions": "sessions",
    "ops.usage.received": "received",
    "ops.usage.sent": "sent",
    "ops.usage.silence": "silence added",
    "ops.usage.price": "cost (est.)",
    "ops.usage.total": "total",
    "ops.usage.by_day": "By day",
    "ops.usage.by_account": "By account",
    "ops.usage.note": "Hours and minutes of audio; days are UTC. The cost is an estimate from what "
    "was sent to the provider.",
    "ops.usage.more": "{count} more accounts are in the CSV.",
    "ops.usage.csv": "All of it as CSV",
    "ops.done.kiosk_approved": "The kiosk is approved. Its screen says so within a few seconds.",
    "ops.done.kiosk_revoked": "The kiosk is revoked. Its sessions end within seconds.",
    "ops.done.session_ended": "The session was told to end. What was said until now is still "
    "transcribed.",
    "ops.done.user_removed": "The person is removed. Their sessions end within seconds.",
    "ops.done.user_added": "The person is added. Make a sign-in link and give it to them.",
    "ops.done.worker_drains": "The worker was told to drain. Its sessions move to others within "
    "15 s.",
    "ops.done.worker_serves": "The worker was told to take sessions again.",
    "ops.gone": "That isn’t there any more; the list below is the present one.",
    "ops.unclear": "The form was incomplete and nothing was changed. Use the buttons below.",
    "ops.self": "You can’t remove yourself here. Ask another operator, or use the command line.",
    "ops.user_link.title": "Sign-in link for {name}",
    "ops.user_link.text": "Give it to {name} in a way that nobody else reads. It works once, "
    "within 10 minutes, and is shown only now.",
    "ops.user_link.label": "Link",
    "ops.user_link.qr": "QR code of the sign-in link",
    "ops.user_link.back": "Back to operations",
    # Errors.
    "error.not_found.title": "There is no such page",
    "error.not_found": "The address may be mistyped, or the page has moved. Begin at the start "
    "page.",
    "error.method.title": "This address can’t be opened like that",
    "error.method": "It only takes a form from one of the relay’s pages. Begin at the start page.",
    "error.origin.title": "This form came from another site",
    "error.origin": "The relay takes forms from its own pages alone, and nothing was changed. Open "
    "the page here and send the form again.",
    "error.not_allowed.title": "This page is for operators",
    "error.not_allowed": "You are signed in as {name}, who is not one. Ask an operator, or sign "
    "out and sign in under another name.",
    "error.unauthorized.title": "The relay can’t tell who you are",
    "error.unauthorized": "What your browser or proxy showed is not good here. Sign in again, or "
    "ask whoever runs the proxy.",
    "error.wait.title": "Too often",
    "error.wait": "Wait {seconds} s, then try again.",
    "error.away.title": "The relay can’t look things up at the moment",
    "error.away": "Its database or Redis doesn’t answer. Try again in a few seconds; if that "
    "doesn’t help, tell an operator.",
    "error.invalid.title": "The relay can’t use this request",
    "error.invalid": "Nothing was changed. Go back, correct the form and send it again.",
    "error.fault.title": "Something failed here",
    "error.fault": "That is our fault, and it is in the log. Try again; if it fails again, tell "
    "an operator.",
    "error.home": "Go to the start page",
    "error.retry": "Try again",
}

_RU: Final[Mapping[str, str]] = {
    "skip": "К содержанию",
    "nav": "Страницы",
    "nav.record": "Запись",
    "nav.ops": "Управление",
    "usage": "Расход",
    "sign_out": "Выйти",
    "detail": "Подробности (по-английски):",
    "login.title": "Вход",
    "login.intro": "Этот сервер превращает речь в текст для тех, у кого здесь есть учётная запись.",
    "login.name": "Имя",
    "login.password": "Пароль",
    "login.submit": "Войти",
    "login.help": "Нет учётной записи или потерян пароль? Попросите у оператора ссылку для входа.",
    "login.wrong": "Имя и пароль не подходят друг к другу. Проверьте их и попробуйте ещё раз или "
    "попросите у оператора ссылку для входа.",
    "login.missing": "Введите имя и пароль, затем нажмите «Войти».",
    "login.wait": "Слишком много попыток. Подождите {seconds} с и попробуйте ещё раз.",
    "link.title": "Вход по ссылке",
    "link.intro": "Эту ссылку сделал для вас оператор. Она действует один раз: нажмите кнопку, и "
    "вы войдёте в этом браузере на 30 дней.",
    "link.warning": "Продолжайте, только если вы просили ссылку и это ваше устройство.",
    "link.replaces": "Сейчас вы вошли как {name}; вход по ссылке это заменит.",
    "link.submit": "Войти на этом устройстве",
    "link.used.title": "Эта ссылка больше не действует",
    "link.used": "Ею уже воспользовались, или прошло больше десяти минут. Попросите у оператора "
    "новую ссылку или войдите с паролем.",
    "link.used.action": "Войти с паролем",
    "record.no_scripts.title": "Для записи нужен JavaScript",
    "record.no_scripts": "Разрешите его для этой страницы и обновите её. Без него файлы можно "
    "расшифровать на любом компьютере, где есть scribe-relay: «scribe-relay transcribe talk.mp3 "
    "--url {origin}».",
    "unbuilt.title": "Эта страница ещё не собрана",
    "unbuilt": "Тому, кто запускает сервер из исходного кода: выполните «make web» в его папке и "
    "перезапустите сервер. Всё, кроме записи, пока работает и так.",
    "kiosk.title": "Киоск",
    "kiosk.new.heading": "Это устройство ещё не киоск.",
    "kiosk.new.text": "Покажите код и попросите оператора одобрить его. После этого устройство "
    "сможет превращать речь в текст без чьего-либо пароля.",
    "kiosk.expired.heading": "Срок кода истёк.",
    "kiosk.expired.text": "Его никто не одобрил вовремя. Покажите новый код и попросите оператора "
    "одобрить его в течение десяти минут.",
    "kiosk.revoked.heading": "Это устройство больше не киоск.",
    "kiosk.revoked.text": "Оператор отозвал одобрение. Если это ошибка, покажите новый код и "
    "попросите одобрить его.",
    "kiosk.show": "Показать код",
    "kiosk.full": "Одобрения ждёт слишком много устройств. Подождите {minutes} мин и покажите "
    "код ещё раз.",
    "kiosk.waiting": "Ждёт одобрения",
    "kiosk.code": "Код",
    "kiosk.scan": "Оператор: отсканируйте это или откройте {address} и введите код.",
    "kiosk.qr": "QR-код, который открывает страницу операторов с этим кодом",
    "kiosk.left": "Действует ещё {minutes} мин",
    "kiosk.last_minute": "Действует меньше минуты",
    "kiosk.ready": "Готов",
    "kiosk.ready.heading": "Этот киоск готов.",
    "kiosk.ready.text": "Речь с этого устройства можно превращать в текст. Входить не нужно.",
    "kiosk.by_place": "Известен по месту в сети",
    "kiosk.by_cookie": "Одобрен оператором",
    "kiosk.options": "Закреплено для каждого сеанса",
    "kiosk.options.none": "Ничего не закреплено; каждый сеанс выбирает сам.",
    "kiosk.person.heading": "Здесь кто-то вошёл.",
    "kiosk.person.text": "Этот браузер действует от имени {name}. Сначала выйдите, чтобы никто у "
    "киоска не говорил от этого имени.",
    "kiosk.proxy.text": "Ваш прокси-сервер входит в этом браузере как {name}. Настройте его так, "
    "чтобы он пропускал это устройство без имени, и обновите страницу.",
    "ops.title": "Управление",
    "ops.as_of": "На {time} UTC",
    "ops.refresh": "Обновить",
    "ops.health": "Состояние",
    "ops.health.key": "ключ поставщика",
    "ops.health.upstream": "поставщик",
    "ops.health.redis": "Redis",
    "ops.health.database": "база данных",
    "ops.health.ok": "работает",
    "ops.health.bad": "не работает",
    "ops.kpi": "Показатели",
    "ops.kpi.live": "сеансы сейчас",
    "ops.kpi.today": "звук за сегодня",
    "ops.kpi.price": "оценка стоимости за сегодня",
    "ops.kpi.kiosks": "киоски",
    "ops.kpi.waiting": "ждут одобрения",
    "ops.kpi.week": "последние 7 дней",
    "ops.sessions": "Текущие сеансы",
    "ops.sessions.none": "Сейчас никто не говорит.",
    "ops.sessions.unknown": "Список сеансов недоступен, потому что Redis не отвечает. Сами сеансы "
    "продолжаются. Проверьте Redis и обновите страницу.",
    "ops.sessions.more": "Ещё {count} не показаны; все есть в /api/sessions.",
    "ops.session": "сеанс",
    "ops.who": "кто",
    "ops.state": "состояние",
    "ops.state.queued": "в очереди",
    "ops.state.opening": "открывается",
    "ops.state.open": "открыт",
    "ops.state.parked": "ждёт клиента",
    "ops.state.ending": "завершается",
    "ops.warning.silent_microphone": "микрофон молчит",
    "ops.warning.clipping": "слишком громко",
    "ops.warning.dc_offset": "звук смещён",
    "ops.warning.rate_mismatch": "неверная частота",
    "ops.language": "язык",
    "ops.language.detect": "определяется",
    "ops.audio": "звук",
    "ops.since": "с",
    "ops.actions": "действия",
    "ops.end": "Завершить",
    "ops.end.confirm": "Завершить сейчас",
    "ops.end.of": "сеанс {name}",
    "ops.workers": "Процессы",
    "ops.workers.unknown": "Список процессов недоступен, потому что Redis не отвечает.",
    "ops.worker": "процесс",
    "ops.duty": "работа",
    "ops.duty.serving": "принимает сеансы",
    "ops.duty.draining": "передаёт сеансы",
    "ops.duty.drained": "выведен из работы",
    "ops.duty.leaving": "завершается",
    "ops.worker.sessions": "сеансы",
    "ops.drain": "Вывести из работы",
    "ops.drain.confirm": "Вывести сейчас",
    "ops.drain.text": "Его сеансы за 15 с перейдут к другим процессам, новых он не примет.",
    "ops.drain.last": "Других процессов, которые принимают сеансы, нет. Сеансы будут ждать не "
    "больше полминуты, новым будет отказано.",
    "ops.serve": "Вернуть в работу",
    "ops.waiting": "Киоски ждут одобрения",
    "ops.waiting.none": "Ни одно устройство не ждёт. Откройте на нём /kiosk, и код появится здесь.",
    "ops.waiting.left": "{address} · ещё {minutes} мин",
    "ops.waiting.choose": "Ввести этот код",
    "ops.approve": "Одобрить киоск",
    "ops.approve.warning": "Одобряйте только устройство, на котором вы видите этот код.",
    "ops.approve.code": "Код",
    "ops.approve.code.bad": "Ни одно устройство не ждёт с этим кодом; возможно, его срок истёк. "
    "Проверьте его или покажите на устройстве новый код.",
    "ops.approve.name": "Имя киоска",
    "ops.approve.name.hint": "Например, где он стоит.",
    "ops.approve.name.bad": "В имени от 1 до 64 видимых знаков и нет пробелов по краям. Выберите "
    "другое.",
    "ops.approve.name.taken": "Это имя носит другой киоск. Выберите другое или сначала отзовите "
    "тот киоск.",
    "ops.approve.language": "Язык",
    "ops.approve.language.any": "Определять",
    "ops.approve.options": "Другие параметры",
    "ops.approve.options.hint": "По одному на строке, например keyterms=Киев. Они действуют для "
    "каждого сеанса этого киоска.",
    "ops.approve.options.line": "Строка «{line}» не имеет вида имя=значение. Исправьте её и "
    "одобрите ещё раз.",
    "ops.approve.options.bad": "С такими параметрами сеанс невозможен. Исправьте их и одобрите "
    "ещё раз.",
    "ops.approve.submit": "Одобрить",
    "ops.kiosks": "Киоски",
    "ops.kiosks.none": "Киосков пока нет.",
    "ops.kiosk": "киоск",
    "ops.options": "параметры",
    "ops.approved_by": "кто одобрил",
    "ops.created": "с",
    "ops.uncollected": "одобрен, устройство ещё не забрало",
    "ops.revoke": "Отозвать",
    "ops.revoke.confirm": "Отозвать сейчас",
    "ops.users": "Люди",
    "ops.user": "имя",
    "ops.role": "роль",
    "ops.role.user": "пользователь",
    "ops.role.operator": "оператор",
    "ops.you": "это вы",
    "ops.sign_in": "входит по",
    "ops.sign_in.password": "паролю или ссылке",
    "ops.sign_in.link": "ссылке",
    "ops.link": "Ссылка для входа",
    "ops.link.for": "для {name}",
    "ops.remove": "Удалить",
    "ops.remove.confirm": "Удалить сейчас",
    "ops.add": "Добавить человека",
    "ops.add.name": "Имя нового человека",
    "ops.add.name.bad": "В имени от 1 до 64 видимых знаков и нет пробелов по краям. Выберите "
    "другое.",
    "ops.add.name.taken": "Это имя уже занято. Выберите другое.",
    "ops.add.operator": "это оператор",
    "ops.add.submit": "Добавить",
    "ops.usage": "Расход за последние 7 дней",
    "ops.usage.none": "За последние 7 дней расхода не было.",
    "ops.usage.day": "день",
    "ops.usage.account": "учётная запись",
    "ops.usage.sessions": "сеансы",
    "ops.usage.received": "получено",
    "ops.usage.sent": "отправлено",
    "ops.usage.silence": "добавленная тишина",
    "ops.usage.price": "стоимость (оценка)",
    "ops.usage.total": "всего",
    "ops.usage.by_day": "По дням",
    "ops.usage.by_account": "По учётным записям",
    "ops.usage.note": "Часы и минуты звука; дни по UTC. Стоимость оценена по тому, что отправлено "
    "поставщику.",
    "ops.usage.more": "Ещё учётных записей в CSV: {count}.",
    "ops.usage.csv": "Всё в CSV",
    "ops.done.kiosk_approved": "Киоск одобрен. Через несколько секунд он это покажет.",
    "ops.done.kiosk_revoked": "Киоск отозван. Его сеансы завершатся за несколько секунд.",
    "ops.done.session_ended": "Сеансу передано, что пора завершиться. Сказанное до сих пор будет "
    "расшифровано.",
    "ops.done.user_removed": "Человек удалён. Его сеансы завершатся за несколько секунд.",
    "ops.done.user_added": "Человек добавлен. Сделайте ссылку для входа и передайте ему.",
    "ops.done.worker_drains": "Процессу передано, что он выводится из работы. Его сеансы "
    "перейдут к другим за 15 с.",
    "ops.done.worker_serves": "Процессу передано, что он снова принимает сеансы.",
    "ops.gone": "Этого здесь больше нет; ниже нынешний список.",
    "ops.unclear": "Форма была неполной, ничего не изменено. Воспользуйтесь кнопками ниже.",
    "ops.self": "Себя здесь удалить нельзя. Попросите другого оператора или сделайте это в "
    "командной строке.",
    "ops.user_link.title": "Ссылка для входа: {name}",
    "ops.user_link.text": "Передайте её так, чтобы никто другой не прочёл. Получатель: {name}. "
    "Она действует один раз, в течение 10 минут, и показана только сейчас.",
    "ops.user_link.label": "Ссылка",
    "ops.user_link.qr": "QR-код ссылки для входа",
    "ops.user_link.back": "Назад к управлению",
    "error.not_found.title": "Такой страницы нет",
    "error.not_found": "Возможно, в адресе опечатка или страница переехала. Начните с начальной "
    "страницы.",
    "error.method.title": "Этот адрес так не открывается",
    "error.method": "Он принимает только формы со страниц сервера. Начните с начальной страницы.",
    "error.origin.title": "Эта форма пришла с другого сайта",
    "error.origin": "Сервер принимает формы только со своих страниц; ничего не изменено. Откройте "
    "страницу здесь и отправьте форму ещё раз.",
    "error.not_allowed.title": "Эта страница для операторов",
    "error.not_allowed": "Вы вошли как {name}, а это не оператор. Обратитесь к оператору или "
    "выйдите и войдите под другим именем.",
    "error.unauthorized.title": "Сервер не может понять, кто вы",
    "error.unauthorized": "То, что показал ваш браузер или прокси-сервер, здесь не подходит. "
    "Войдите ещё раз или обратитесь к тому, кто отвечает за прокси-сервер.",
    "error.wait.title": "Слишком часто",
    "error.wait": "Подождите {seconds} с и попробуйте ещё раз.",
    "error.away.title": "Сервер сейчас не может ничего проверить",
    "error.away": "Не отвечает его база данных или Redis. Попробуйте ещё раз через несколько "
    "секунд; если не поможет, сообщите оператору.",
    "error.invalid.title": "Сервер не может использовать этот запрос",
    "error.invalid": "Ничего не изменено. Вернитесь, исправьте форму и отправьте её ещё раз.",
    "error.fault.title": "Здесь что-то сломалось",
    "error.fault": "Это наша ошибка, она записана в журнал. Попробуйте ещё раз; если повторится, "
    "сообщите оператору.",
    "error.home": "На начальную страницу",
    "error.retry": "Попробовать ещё раз",
}

CATALOGUE: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {**_EN, **history_texts.EN},
    "ru": {**_RU, **history_texts.RU},
}


class Texts:
    """The texts of one language.

    `Texts("en")("login.wait", seconds=5)`
    """

    def __init__(self, language: Language) -> None:
        self.language: Final = language
        self._texts = CATALOGUE[language]

    def __call__(self, key: str, **values: object) -> str:
        """Find a text, and put `values` into it."""
        text = self._texts[key]
        return text.format(**values) if values else text

    def decimal(self, value: float, digits: int) -> str:
        """Write a number as the language does."""
        text = f"{value:.{digits}f}"
        return text.replace(".", ",") if self.language == "ru" else text


def choose_language(accept_language: str) -> Language:
    """Choose what a browser's `Accept-Language` prefers of our two; English unless it says so.

    Source: RFC 9110, section 12.5.4.
    """
    languages: dict[str, float] = {}
    for tag, weight in weights(accept_language).items():
        language = tag.partition("-")[0]
        languages[language] = max(weight, languages.get(language, 0.0))
    return "ru" if languages.get("ru", 0.0) > languages.get("en", 0.0) else "en"
