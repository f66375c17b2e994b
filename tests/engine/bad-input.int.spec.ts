import { once } from 'node:events';
import { request as openRequest, type IncomingMessage } from 'node:http';
import { connect as openSocket } from 'node:net';
import { ErrorCode as NatsErrorCode, type NatsConnection } from 'nats';
import { formatRfc3339, type Detection, type ProtegoEvent } from '@protego/contracts';
import { BAD_INPUTS, BASE_MS, FIRST_CONTENT, type BadInput } from './bad-inputs';
import { ANYBODY_USER, EngineHouse, SITE, tokenOf, until, type Logged, type Stored } from './engine-house';
import {
  FIRMWARE_RULE,
  STUFFING_NAMES,
  STUFFING_RULE,
  UNANNOUNCED_RULE,
  bytesOf,
  clockTick,
  failedSignIn,
  probeEvent,
  subjectOf,
  unsignedFirmware,
} from './sample-events';

jest.setTimeout(120_000);

const JSON_TYPE = 'application/json';
const LINES_TYPE = 'application/x-ndjson';
const TOKENS = ['probe', 'windows', 'biomed-gateway', 'nobody'];

/** What both runs take in: detections must come from this, and from nothing else. */
const GOOD: readonly ProtegoEvent[] = [
  unsignedFirmware(BASE_MS + 10_000, 'good-1'),
  ...Array.from({ length: STUFFING_NAMES }, (_, n) =>
    failedSignIn(BASE_MS + 11_000 + 100 * n, `sign-in-${n}`, '203.0.113.7', `name-${n}`),
  ),
  unsignedFirmware(BASE_MS + 20_000, 'good-2'),
];

async function publish(connection: NatsConnection, event: ProtegoEvent): Promise<number> {
  return (await connection.jetstream().publish(subjectOf(event), bytesOf(event))).seq;
}

/** Good events over NATS and HTTP, and enough time for every window to decide. */
async function sendGood(house: EngineHouse): Promise<void> {
  const connection = await house.connect(ANYBODY_USER);
  for (const event of GOOD) await publish(connection, event);
  // The two ways in are independent: what comes over HTTP could overtake what still waits on the bus.
  await house.drained();
  expect((await house.post(bytesOf(unsignedFirmware(BASE_MS + 21_000, 'good-3')), JSON_TYPE)).status).toBe(200);
  await publish(connection, clockTick(BASE_MS + 200_000));
  await house.drained();
}

async function detectionsOf(house: EngineHouse): Promise<Detection[]> {
  const log = await house.log();
  return log
    .filter(({ event }) => event.type === 'detection.raised')
    .map(({ event }) => event.data as unknown as Detection);
}

const isOver =
  (transport: 'nats' | 'http') =>
  (input: BadInput): boolean =>
    (input.only ?? transport) === transport;
const overNats = BAD_INPUTS.filter(isOver('nats'));
const overHttp = BAD_INPUTS.filter(isOver('http'));

describe('an engine that is fed bad input', () => {
  let house: EngineHouse;
  let control: Detection[];
  let log: Logged[];
  let outputs: Stored[];
  const letters = new Map<string, Stored>();
  const natsSeqs = new Map<BadInput, number>();
  const answers = new Map<BadInput, { status: number; body: { code: string; help: string } }>();
  let lineCodes: (string | undefined)[];

  const begin = async (options: { clock: 'feed'; tokens: string[] }): Promise<EngineHouse> => {
    const started = await EngineHouse.open(options);
    const connection = await started.connect(ANYBODY_USER);
    await publish(connection, clockTick(BASE_MS));
    await publish(connection, FIRST_CONTENT);
    await started.drained();
    return started;
  };

  const sendBadOverNats = async (): Promise<void> => {
    const stream = (await house.connect(ANYBODY_USER)).jetstream();
    for (const input of overNats) {
      const subject = input.subject ?? `protego.v1.${SITE}.in.device.${input.source ?? 'probe'}`;
      natsSeqs.set(input, (await stream.publish(subject, input.bytes)).seq);
    }
  };

  const sendBadOverHttp = async (): Promise<void> => {
    for (const input of overHttp) {
      const response = await house.post(input.bytes, JSON_TYPE, tokenOf(input.source ?? 'probe'));
      answers.set(input, { status: response.status, body: (await response.json()) as { code: string; help: string } });
    }
    const lines = overHttp.filter(({ source }) => source === undefined);
    const body = Buffer.concat(lines.flatMap(({ bytes }) => [bytes, Buffer.from('\n')]));
    const response = await house.post(body, LINES_TYPE);
    lineCodes = ((await response.json()) as { results: { code?: string }[] }).results.map(({ code }) => code);
    expect(response.status).toBe(200);
    expect(lineCodes).toHaveLength(lines.length);
  };

  beforeAll(async () => {
    const quiet = await begin({ clock: 'feed', tokens: TOKENS });
    await sendGood(quiet);
    control = await detectionsOf(quiet);
    await quiet.close();

    house = await begin({ clock: 'feed', tokens: TOKENS });
    await sendBadOverNats();
    await sendBadOverHttp();
    const stream = await house.connect(ANYBODY_USER);
    await publish(stream, probeEvent(Date.parse('1970-01-01T00:00:00Z'), { id: 'of-1970' }));
    await publish(stream, probeEvent(Date.parse('2100-01-01T00:00:00Z'), { id: 'of-2100' }));
    await publish(stream, probeEvent(BASE_MS + 1, { id: 'early-clock', arrivedat: '2099-01-01T00:00:00Z' }));
    await sendGood(house);
    log = await house.log();
    outputs = await house.results();
    for (const letter of await house.stream('PROTEGO_REJECTED')) letters.set(letter.header('Nats-Msg-Id'), letter);
  });

  afterAll(() => house.close());

  it.each(overNats)('keeps over NATS, sealed, with $code: $name', async (input) => {
    const letter = letters.get(`PROTEGO_IN-${natsSeqs.get(input)}`) as Stored;
    expect(letter.header('Protego-Code')).toBe(input.code);
    expect(letter.header('Protego-Bytes')).toBe(String(input.bytes.length));
    expect(letter.header('Protego-Sealed')).toBe('1');
    if (input.bytes.length >= 16) expect(Buffer.from(letter.data).includes(input.bytes)).toBe(false);
    const opened = await house.openLetter(letter);
    expect(opened.bytes?.equals(input.bytes)).toBe(true);
    const reason = JSON.parse(opened.reason) as { message: string; help: string };
    expect(reason.message).not.toBe('');
    expect(reason.help).toMatch(/\.$/);
  });

  it.each(overHttp)('refuses over HTTP, with $code: $name', (input) => {
    const { status, body } = answers.get(input) as { status: number; body: { code: string; help: string } };
    expect({ status, code: body.code }).toEqual({ status: input.status ?? 400, code: input.code });
    expect(body.help).toMatch(/\.$/);
  });

  it('refuses the same in lines, each line by itself', () => {
    expect(lineCodes).toEqual(overHttp.filter(({ source }) => source === undefined).map(({ code }) => code));
  });

  it('keeps every refused message once', () => {
    const kept = [...letters.keys()].filter((id) => id.startsWith('PROTEGO_IN-'));
    expect(kept).toHaveLength(overNats.length);
  });

  it('keeps an event over HTTP that conflicts with a known one, once', async () => {
    const kept = [...letters].filter(([id]) => !id.startsWith('PROTEGO_IN-')).map(([, letter]) => letter);
    expect(kept.map((letter) => letter.header('Protego-Code'))).toEqual(['EVENT_ID_CONFLICT']);
    const conflict = overHttp.find(({ code }) => code === 'EVENT_ID_CONFLICT') as BadInput;
    expect((await house.openLetter(kept[0] as Stored)).bytes?.equals(conflict.bytes)).toBe(true);
  });

  it('appends nothing of it', () => {
    const ids = log.map(({ event }) => event.id);
    const expected = [
      FIRST_CONTENT.id,
      'of-1970',
      'of-2100',
      'early-clock',
      ...GOOD.map(({ id }) => id),
      'good-3',
      `tick-${BASE_MS}`,
      'activated-0',
      `tick-${BASE_MS + 200_000}`,
    ];
    expect(ids.filter((id) => !/^[0-9a-f]{32}$/.test(id)).sort()).toEqual(expected.sort());
    expect(log.find(({ event }) => event.id === FIRST_CONTENT.id)?.event).toEqual(FIRST_CONTENT);
  });

  it('finds exactly what it finds without the bad input', async () => {
    const ids = (detections: readonly Detection[]): string[] => detections.map(({ id }) => id).sort();
    expect(control.map(({ ruleId }) => ruleId).sort()).toEqual([
      FIRMWARE_RULE,
      FIRMWARE_RULE,
      FIRMWARE_RULE,
      STUFFING_RULE,
      UNANNOUNCED_RULE,
      UNANNOUNCED_RULE,
      UNANNOUNCED_RULE,
    ]);
    expect(ids(await detectionsOf(house))).toEqual(ids(control));
  });

  it('publishes an event of 1970 as late and one of 2100 as skewed', () => {
    const mistimed = outputs
      .filter(({ subject }) => !subject.includes('.detection.'))
      .map(({ subject, data }) => [subject, (JSON.parse(Buffer.from(data).toString()) as ProtegoEvent).data['id']]);
    expect(mistimed).toEqual([
      [`protego.v1.${SITE}.late.probe`, 'of-1970'],
      [`protego.v1.${SITE}.skewed.probe`, 'of-2100'],
    ]);
  });

  it('takes no time from a source that does not carry the clock', () => {
    expect(log.find(({ event }) => event.id === 'early-clock')?.arrivedAtMs).toBe(BASE_MS);
    const last = log.find(({ event }) => event.id === `tick-${BASE_MS + 200_000}`);
    expect(formatRfc3339(last?.arrivedAtMs ?? 0)).toBe(formatRfc3339(BASE_MS + 200_000));
  });

  it('counts what it refused, by code', async () => {
    const text = await (await fetch(`${house.httpUrl}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    for (const line of lines)
      expect(line).toMatch(/^[a-z_]+(\{[a-zA-Z_]+="[^"]*"(,[a-zA-Z_]+="[^"]*")*\})? -?[0-9.e+-]+$/);
    for (const line of text.split('\n').filter((each) => each.startsWith('#')))
      expect(line).toMatch(/^# (HELP|TYPE) [a-z_]+ ./);
    const linesSent = overHttp.filter(({ source }) => source === undefined).length;
    expect(await house.metric('protego_events_rejected_total')).toBe(overNats.length + overHttp.length + linesSent);
    expect(await house.metric('protego_events_appended_total')).toBe(GOOD.length + 7);
    expect(await house.metric('protego_pipeline_results_total')).toBe(control.length + 2);
    expect(await house.metric('protego_results_published_total')).toBe(outputs.length);
    expect(await house.metric('protego_log_records')).toBe(log.length);
  });

  it('says that it lives and is ready', async () => {
    expect((await fetch(`${house.httpUrl}/health/live`)).status).toBe(200);
    const ready = await fetch(`${house.httpUrl}/health/ready`);
    expect([ready.status, await ready.json()]).toEqual([
      200,
      expect.objectContaining({ status: 'ready', records: log.length }),
    ]);
  });

  it('is spared a message larger than any event: the stream refuses it on the reply', async () => {
    const stream = (await house.connect(ANYBODY_USER)).jetstream();
    const sent = stream.publish(`protego.v1.${SITE}.in.device.probe`, Buffer.alloc(200_000, 'x'));
    await expect(sent).rejects.toMatchObject({ message: expect.stringContaining('message size exceeds') as string });
  });

  it('is spared 10 MB: the bus refuses it and ends the connection', async () => {
    const { hostname, port } = new URL(house.natsUrl);
    const { name, password } = house.user('probe');
    const socket = openSocket({ host: hostname, port: Number(port) });
    let received = '';
    socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
    socket.on('error', () => undefined);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(`CONNECT ${JSON.stringify({ user: name, pass: password, verbose: false })}\r\n`);
    socket.write(`PUB protego.v1.${SITE}.in.device.probe ${10 * 1_048_576}\r\n`);
    await closed;
    expect(received).toContain("-ERR 'Maximum Payload Violation'");
  });

  it('refuses 10 MB over HTTP before they are sent', async () => {
    const headers = {
      'content-type': JSON_TYPE,
      'content-length': 10 * 1_048_576,
      authorization: `Bearer ${tokenOf('probe')}`,
    };
    const request = openRequest(`${house.httpUrl}/v1/events`, { method: 'POST', headers });
    request.on('error', () => undefined);
    request.flushHeaders();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const chunks = (await response.toArray()) as Buffer[];
    request.destroy();
    expect(response.statusCode).toBe(413);
    expect(JSON.parse(Buffer.concat(chunks).toString())).toMatchObject({ code: 'EVENT_TOO_LARGE' });
  });

  it.each([
    ['no token', undefined],
    ['a token that nobody has', 'token-of-somebody-0123456789abcdef'],
    ['the name of a source', 'probe'],
  ])('answers 401 to %s', async (_, token) => {
    const url = `${house.httpUrl}/v1/events`;
    const headers = { 'content-type': JSON_TYPE, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body: bytesOf(probeEvent(BASE_MS, { id: 'no-token' })),
    });
    expect([response.status, await response.json()]).toEqual([401, expect.objectContaining({ code: 'TOKEN_INVALID' })]);
  });

  it.each(['text/plain', 'application/xml', 'application/json-seq', ''])(
    'answers 415 to content type `%s`',
    async (type) => {
      const response = await house.post(bytesOf(probeEvent(BASE_MS, { id: 'no-type' })), type);
      expect([response.status, await response.json()]).toEqual([
        415,
        expect.objectContaining({ code: 'REQUEST_INVALID' }),
      ]);
    },
  );

  it('answers with a code where there is nothing', async () => {
    const response = await fetch(`${house.httpUrl}/v2/events`, { method: 'POST' });
    expect([response.status, await response.json()]).toEqual([
      404,
      expect.objectContaining({ code: 'REQUEST_INVALID' }),
    ]);
  });

  it.each([
    ['probe', `protego.v1.${SITE}.detection.high.forged`],
    ['probe', `protego.v1.${SITE}.in.access.ehr`],
    ['simulation', `protego.v1.${SITE}.in.device.probe`],
    ['subscriber', `protego.v1.${SITE}.in.device.probe`],
    ['subscriber', `protego.v1.${SITE}.detection.high.forged`],
    ['operator', `protego.v1.${SITE}.detection.high.forged`],
  ])('does not let %s publish on %s', async (user, subject) => {
    const connection = await house.connect(user);
    const refused = refusals(connection);
    connection.publish(subject, bytesOf(unsignedFirmware(BASE_MS, 'forbidden')));
    await connection.flush();
    await until(() => refused.length > 0, 'the server to refuse it');
    expect(refused[0]).toContain(subject);
  });

  it.each([
    ['simulation', 'protego.v1.*.detection.>'],
    ['probe', 'protego.v1.*.in.>'],
    ['subscriber', 'protego.v1.*.in.>'],
    ['subscriber', '_INBOX_engine.>'],
  ])('does not let %s read %s', async (user, subject) => {
    const connection = await house.connect(user);
    const error = await new Promise<Error | null>((resolve) => connection.subscribe(subject, { callback: resolve }));
    expect((error as { code?: string } | null)?.code).toBe(NatsErrorCode.PermissionsViolation);
  });

  it('goes on after all of it', async () => {
    const before = (await house.log()).length;
    const connection = await house.connect('probe');
    await publish(connection, unsignedFirmware(BASE_MS + 199_000, 'after-all'));
    await house.drained();
    const added = (await house.log()).slice(before).map(({ event }) => event);
    expect(added.map(({ type }) => type)).toEqual(['device.firmware-changed', 'detection.raised']);
    expect(await house.stopEngine()).toBe(0);
  });
});

describe('an engine whose queue is full', () => {
  let house: EngineHouse;
  const QUEUE_EVENTS_MAX = 64;
  beforeAll(async () => (house = await EngineHouse.open({ clock: 'wall', queueEventsMax: QUEUE_EVENTS_MAX })));
  afterAll(() => house.close());

  it('answers 429 with Retry-After and loses nothing that is sent again', async () => {
    const bodies = Array.from({ length: 60 }, (_, post) =>
      Array.from({ length: 40 }, (_line, n) => bytesOf(unsignedFirmware(Date.now(), `${post}-${n}`))).join('\n'),
    );
    let refusedCount = 0;
    const postUntilTaken = async (body: string): Promise<void> => {
      for (;;) {
        const response = await house.post(body, LINES_TYPE);
        const answer = (await response.json()) as { code?: string };
        if (response.status === 200) return;
        refusedCount++;
        expect([response.status, answer.code]).toEqual([429, 'INTAKE_BUSY']);
        expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    await Promise.all(bodies.map(postUntilTaken));
    expect(refusedCount).toBeGreaterThan(0);
    await house.drained();
    const inputs = (await house.log()).filter(({ event }) => event.source === 'probe').map(({ event }) => event.id);
    expect(inputs).toHaveLength(60 * 40);
    expect(new Set(inputs).size).toBe(60 * 40);
    expect((await detectionsOf(house)).length).toBe(60 * 40);
  });

  it('answers 413 to more lines than the queue holds', async () => {
    const line = (n: number): string => bytesOf(probeEvent(Date.now(), { id: `many-${n}` })).toString();
    const response = await house.post(
      Array.from({ length: QUEUE_EVENTS_MAX + 1 }, (_, n) => line(n)).join('\n'),
      LINES_TYPE,
    );
    expect([response.status, await response.json()]).toEqual([
      413,
      expect.objectContaining({ code: 'REQUEST_TOO_LARGE' }),
    ]);
  });

  it('is not ready while the bus is away, keeps what comes over HTTP, and publishes it later', async () => {
    const isReady = async (): Promise<boolean> => (await fetch(`${house.httpUrl}/health/ready`)).status === 200;
    await house.stopServer();
    await until(async () => !(await isReady()), 'the engine to notice');
    expect((await house.post(bytesOf(unsignedFirmware(Date.now(), 'in-the-dark')), JSON_TYPE)).status).toBe(200);
    await house.startServer();
    await until(isReady, 'the engine to come back');
    await house.drained();
    const named = (await detectionsOf(house)).flatMap(({ entities }) => entities.map(({ id }) => id));
    expect(named).toContain('pump-in-the-dark');
  });

  it('stops although the bus is away', async () => {
    await house.stopServer();
    expect(await house.stopEngine()).toBe(0);
  });
});

/** Texts of what the server refuses a connection. */
function refusals(connection: NatsConnection): string[] {
  const texts: string[] = [];
  void (async () => {
    for await (const { type, permissionContext, data } of connection.status() as AsyncIterable<{
      type: string;
      permissionContext?: { subject: string };
      data: unknown;
    }>)
      if (type === 'error') texts.push(`${String(data)} ${permissionContext?.subject ?? ''}`);
  })();
  return texts;
}
