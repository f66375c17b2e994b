// Publishes events over JetStream from a process of its own and receives the detections that come of them. Reads one JSON
// object of options as its argument, prints one line of JSON for every thing that it was asked to do.
import { connect } from 'nats';

const options = JSON.parse(process.argv[2] ?? '{}');
const { url, site, mode, count, ratePerSecond, inFlightMax } = options;
const SETTLE_MS_MAX = 60_000;

// The client makes an error object for every request in advance; its stack would cost more than the request.
Error.stackTraceLimit = 0;

const nowMs = () => performance.timeOrigin + performance.now();
const publisher = await connectTo(url.probe);
const stream = publisher.jetstream({ timeout: 30_000 });

// The client takes no name and password from a URL.
function connectTo(text) {
  const { host, username, password } = new URL(text);
  return connect({ servers: host, user: username, pass: password, inboxPrefix: `_INBOX_${username}` });
}

function event(type, id, timeMs, data) {
  const time = new Date(timeMs).toISOString();
  return JSON.stringify({ specversion: '1.0', id, source: 'probe', site, type, time, data });
}

async function publish(type, id, timeMs, data) {
  const subject = `protego.v1.${site}.in.${type.slice(0, type.indexOf('.'))}.probe`;
  await stream.publish(subject, event(type, id, timeMs, data), { msgID: `probe/${id}` });
}

/** As many as asked for, as fast as the bus acknowledges them. */
async function flood() {
  const startMs = nowMs();
  const inFlight = [];
  for (let n = 0; n < count; n++) {
    inFlight.push(
      publish('device.telemetry-reported', `flood-${n}`, Date.now(), { device: { uid: `pump-${n % 500}` } }),
    );
    if (inFlight.length >= inFlightMax) await Promise.all(inFlight.splice(0, inFlightMax / 2));
  }
  await Promise.all(inFlight);
  return { startMs, publishedMs: nowMs() };
}

/** At a steady rate; some events raise a detection by themselves, some together. Answers with how long each took to come. */
async function steady() {
  const sentMs = new Map();
  const latencies = { stateless: [], stateful: [] };
  const subscriber = await connectTo(url.subscriber);
  subscriber.subscribe(`protego.v1.${site}.detection.>`, {
    callback: (error, message) => {
      if (error) throw error;
      const { entities } = message.json().data;
      const key = entities[0].id;
      const at = sentMs.get(key);
      if (at === undefined) return;
      sentMs.delete(key);
      latencies[key.startsWith('203.') ? 'stateful' : 'stateless'].push(nowMs() - at);
    },
  });
  await subscriber.flush();
  const failures = await sendAtRate(sentMs);
  // What is waited for comes when the watermark passes it, and time must go on for that.
  const deadlineMs = nowMs() + SETTLE_MS_MAX;
  for (let n = 0; sentMs.size > 0 && nowMs() < deadlineMs; n++) {
    await publish('device.telemetry-reported', `after-${n}`, Date.now(), { device: { uid: 'pump-0' } });
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await subscriber.close();
  return { ...latencies, failures, unanswered: sentMs.size };
}

const NAMES = 15;
const EVERY_STATELESS = 50;
const EVERY_ATTACK = 500;

async function sendAtRate(sentMs) {
  const startMs = nowMs();
  let failures = 0;
  for (let n = 0; n < count;) {
    const due = Math.min(count, Math.floor(((nowMs() - startMs) * ratePerSecond) / 1000));
    for (; n < due; n++) {
      const place = n % EVERY_ATTACK;
      const attack = `203.${Math.floor(n / EVERY_ATTACK / 250)}.113.${Math.floor(n / EVERY_ATTACK) % 250}`;
      const sent = place < NAMES ? attempt(n, place, attack, sentMs) : single(n, sentMs);
      sent.catch(() => failures++);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await publisher.flush();
  return failures;
}

function attempt(n, place, ip, sentMs) {
  if (place === NAMES - 1) sentMs.set(ip, nowMs());
  const data = { user: { uid: `name-${place}` }, src_endpoint: { ip } };
  return publish('access.sign-in-failed', `steady-${n}`, Date.now(), data);
}

function single(n, sentMs) {
  if (n % EVERY_STATELESS !== 0) {
    return publish('device.telemetry-reported', `steady-${n}`, Date.now(), { device: { uid: `pump-${n % 500}` } });
  }
  sentMs.set(`pump-s${n}`, nowMs());
  const data = { device: { uid: `pump-s${n}`, type: 'infusion-pump' }, version: '9', signed: false };
  return publish('device.firmware-changed', `steady-${n}`, Date.now(), data);
}

const result = mode === 'flood' ? await flood() : await steady();
await publisher.drain();
process.stdout.write(`${JSON.stringify(result)}\n`);
