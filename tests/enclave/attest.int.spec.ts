import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEnclave, openHouseKeys, readQuoteClaims, type Enclave, type EnclaveOptions } from '@protego/enclave';
import { SAMPLE_GATE, eventOf, shippedFields } from '@protego/enclave/testing';
import { EventLogWriter } from '@protego/event-log';
import { EngineHouse, PROTEGO } from '../engine/engine-house';
import { BUILD, ENCLAVE_ENTRY as ENTRY, copyBuild, type Edits } from './copied-build';

const NONCE = '00112233445566778899aabbccddeeff';
const MEASURED = /^[0-9a-f]{64}$/;

jest.setTimeout(120_000);

interface Answer {
  readonly status: number | null;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

function protego(...args: readonly string[]): Answer {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROTEGO, 'enclave', ...args], { encoding: 'utf8' });
  const text = stdout + stderr;
  const line = text.split('\n').find((each) => each.startsWith('{"')) ?? '{}';
  return { status, text, json: JSON.parse(line) as Record<string, unknown> };
}

describe('protego enclave', () => {
  let root: string;
  let log: string;
  let attested: Answer;
  const fileOf = (name: string): string => join(root, name);
  const verify = (...changed: readonly string[]): Answer =>
    protego('verify', fileOf('quote.jwt'), '--platform-key', fileOf('platform.jwk'), '--json', ...changed);
  const expected = (): string[] => ['--measurement', String(attested.json['measurement'])];

  beforeAll(async () => {
    if (!existsSync(PROTEGO)) throw new Error('the command line is not built: run `npm run build`');
    root = mkdtempSync(join(tmpdir(), 'protego-attest-'));
    log = fileOf('log');
    const house = await openHouseKeys({ directory: join(log, 'keys'), mode: 'write' });
    await (await EventLogWriter.open({ directory: log, origin: 'protego.test/ward', keys: house.keys })).close();
    await house.close();
    attested = protego('attest', '--log', log, '--nonce', NONCE, '--out', fileOf('quote.jwt'), '--json');
    writeFileSync(fileOf('platform.jwk'), protego('platform-key', '--log', log).text);
  });
  afterAll(() => rmSync(root, { recursive: true }));

  it('attests, and verifies what it attested', () => {
    expect(attested).toMatchObject({
      status: 0,
      json: { emulated: true, enclave: 'command', debug: false, root: { kept: 'file' } },
    });
    expect(attested.json['measurement']).toMatch(MEASURED);
    const verified = verify('--nonce', NONCE, ...expected());
    const { measurement, platform } = attested.json;
    expect(verified).toMatchObject({ status: 0, json: { emulated: true, ok: true, measurement, platform } });
    const told = protego(
      'verify',
      String(attested.json['quote']),
      '--platform-key',
      readFileSync(fileOf('platform.jwk'), 'utf8'),
      '--nonce',
      NONCE,
      ...expected(),
    );
    expect(told).toMatchObject({ status: 0, text: expect.stringMatching(/^OK: [^]*\nemulated: yes/) as string });
  });

  it('refuses each other quote with a code of its own and exit code 1', () => {
    const other = '--nonce=ff112233445566778899aabbccddeeff';
    expect(verify(other, ...expected())).toMatchObject({ status: 1, json: { ok: false, code: 'ATTESTATION_STALE' } });
    const unknown = verify('--nonce', NONCE, '--measurement', 'ab'.repeat(32));
    expect(unknown).toMatchObject({ status: 1, json: { code: 'ATTESTATION_MEASUREMENT', emulated: true } });
    const signer = verify('--nonce', NONCE, '--signer', `${'ab'.repeat(32)}/protego`);
    expect(signer).toMatchObject({ status: 1, json: { code: 'ATTESTATION_MEASUREMENT' } });
    protego('attest', '--log', log, '--platform', fileOf('another'), '--json');
    const anotherKey = protego('platform-key', '--log', log, '--platform', fileOf('another'), '--json').text;
    const wrong = protego(
      'verify',
      fileOf('quote.jwt'),
      '--platform-key',
      anotherKey,
      '--nonce',
      NONCE,
      ...expected(),
      '--json',
    );
    expect(wrong).toMatchObject({ status: 1, json: { code: 'ATTESTATION_KEY' } });
    writeFileSync(fileOf('no-quote'), 'e30.e30.e30');
    const none = protego(
      'verify',
      fileOf('no-quote'),
      '--platform-key',
      fileOf('platform.jwk'),
      '--nonce',
      NONCE,
      ...expected(),
      '--json',
    );
    expect(none).toMatchObject({ status: 1, json: { code: 'ATTESTATION_INVALID' } });
  });

  it('refuses an enclave that may be looked into, whose measurement is another', () => {
    const debug = protego('attest', '--log', log, '--nonce', NONCE, '--debug', '--json');
    expect(debug).toMatchObject({ status: 0, json: { debug: true, emulated: true } });
    expect(debug.json['measurement']).not.toBe(attested.json['measurement']);
    const check = [String(debug.json['quote']), '--platform-key', fileOf('platform.jwk'), '--nonce', NONCE];
    const measurement = ['--measurement', String(debug.json['measurement']), '--json'];
    expect(protego('verify', ...check, ...measurement)).toMatchObject({
      status: 1,
      json: { code: 'ATTESTATION_DEBUG' },
    });
    expect(protego('verify', ...check, ...measurement, '--allow-debug').status).toBe(0);
  });

  it('tells wrong use from a quote that is refused', () => {
    expect(verify('--nonce', NONCE)).toMatchObject({ status: 2, json: { code: 'USAGE_INVALID' } });
    expect(verify('--nonce', 'abc', ...expected())).toMatchObject({ status: 2, json: { code: 'USAGE_INVALID' } });
    const inside = protego('attest', '--log', log, '--platform', join(log, 'platform'), '--json');
    expect(inside).toMatchObject({ status: 2, json: { code: 'USAGE_INVALID' } });
    expect(existsSync(join(log, 'platform'))).toBe(false);
    const none = protego('platform-key', '--log', log, '--platform', fileOf('mistyped'), '--json');
    expect(none).toMatchObject({ status: 2, json: { code: 'ENCLAVE_NOT_ATTESTED' } });
    expect(existsSync(fileOf('mistyped'))).toBe(false);
  });

  it('inspects without showing a key or a path of one', () => {
    const inspected = protego('inspect', '--log', log, '--json');
    expect(inspected).toMatchObject({
      status: 0,
      json: {
        emulated: true,
        identity: { measurement: attested.json['measurement'], platformId: attested.json['platform'] },
        root: { kept: 'file', factors: [] },
        vault: { slotsMax: 1_000_000, keys: { staff: 0, patient: 0, month: 0 } },
        processes: [{ role: 'keeper', callsServed: 1, guardedMemory: {} }],
      },
    });
    const secrets = [join(log, 'keys/root.secret'), fileOf('platform/platform.secret')].map((path) =>
      readFileSync(path),
    );
    for (const secret of secrets)
      for (const spelling of ['hex', 'base64', 'base64url'] as const)
        expect(inspected.text).not.toContain(secret.toString(spelling));
    expect(protego('inspect', '--log', log).text).toMatch(/^emulated: yes/);
  });
});

describe('the measurement of an enclave', () => {
  let root: string;
  let options: EnclaveOptions;

  beforeAll(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'protego-measure-')));
    options = {
      ...{ directory: join(root, 'keys'), mode: 'write', fields: shippedFields(), gate: SAMPLE_GATE, processes: 2 },
      ...{ platformDirectory: join(root, 'platform'), entry: join(BUILD, ENTRY) },
    };
  });
  afterAll(() => rmSync(root, { recursive: true }));

  async function lent<T>(changed: Partial<EnclaveOptions>, use: (enclave: Enclave) => Promise<T>): Promise<T> {
    const enclave = await openEnclave({ ...options, ...changed });
    try {
      return await use(enclave);
    } finally {
      await enclave.close();
    }
  }

  const quoteOf = (enclave: Enclave): Promise<string> => enclave.quote(Buffer.from(NONCE, 'hex'));
  const measured = (changed: Partial<EnclaveOptions> = {}): Promise<string> =>
    lent(changed, async (enclave) => readQuoteClaims(await quoteOf(enclave)).measurement.toString('hex'));

  /** Entry of the build at another place; `edits` change the text of files. */
  const copyOfBuild = (edits?: Edits): string => join(copyBuild(root, edits), ENTRY);

  it('is the same for the same build elsewhere, and another for a changed byte of code or another configuration', async () => {
    const measurement = await measured();
    expect(measurement).toMatch(MEASURED);
    expect(await measured({ entry: copyOfBuild() })).toBe(measurement);
    const others = [
      await measured({ entry: copyOfBuild({ 'contracts/src/time.js': (text) => `${text} ` }) }),
      await measured({ processes: 1 }),
      await measured({ gate: { ...SAMPLE_GATE, site: 'other' } }),
      await measured({ fields: undefined }),
    ];
    expect(new Set([measurement, ...others]).size).toBe(5);
  });

  it('has to be that of every process, before it gets a secret', async () => {
    const edit = (text: string): string =>
      text.replace('nodeFlags: nodeFlags()', 'role: process.argv[2], nodeFlags: nodeFlags()');
    const refused = measured({ entry: copyOfBuild({ 'enclave/src/process/own-image.js': edit }) });
    await expect(refused).rejects.toMatchObject({ code: 'ENCLAVE_REPLICA_REFUSED' });
  });

  it('is vouched for only as long as nothing is loaded beside it', async () => {
    const edit = (text: string): string => text.replace('pid: process.pid', "pid: (require('nats'), process.pid)");
    const entry = copyOfBuild({ 'enclave/src/process/enclave-service.js': edit });
    await lent({ entry }, async (enclave) => {
      await quoteOf(enclave);
      await enclave.inspect();
      await expect(quoteOf(enclave)).rejects.toMatchObject({ code: 'ENCLAVE_MEASUREMENT_INVALID' });
    });
  });

  it('still holds after all kinds of work', async () => {
    await lent({}, async (enclave) => {
      const { vault } = enclave;
      const event = eventOf('access.signed-in', { user: { uid: 'maria.keller' }, note: 'for maria.keller' });
      const bytes = Buffer.from(JSON.stringify(event));
      const admissions = await vault.admit([{ bytes, source: event.source, family: undefined }]);
      expect(admissions.map(({ kind }) => kind)).toEqual(['admitted']);
      const sealed = await vault.sealText(Buffer.from('maria.keller'), 'ehr', 0);
      expect((await vault.openText(sealed))?.toString()).toBe('maria.keller');
      await vault.destroy((await vault.find('maria.keller'))?.keyIds ?? []);
      await enclave.keys.signer.sign(Buffer.from('a note'));
      await enclave.rotateDataKey();
      expect(readQuoteClaims(await quoteOf(enclave)).isDebug).toBe(false);
      expect((await enclave.inspect()).vault.keys).toMatchObject({ staff: 0, patient: 0 });
    });
  });

  it('cannot be evaded with a signal that lets the inspector in', async () => {
    await lent({}, async (enclave) => {
      process.kill(enclave.keeperPid, 'SIGUSR1');
      await new Promise((resolve) => setTimeout(resolve, 300));
      const { isDebug, memory } = readQuoteClaims(await quoteOf(enclave));
      expect({ isDebug, memory: typeof memory.isLocked }).toEqual({ isDebug: false, memory: 'boolean' });
    });
  });

  it('goes with a platform only', async () => {
    await lent({ platformDirectory: undefined }, async (enclave) => {
      await expect(quoteOf(enclave)).rejects.toMatchObject({ code: 'ENCLAVE_NOT_ATTESTED' });
      const { identity, processes } = await enclave.inspect();
      expect(identity).toBeNull();
      expect(processes.map(({ role, callsFailed }) => [role, callsFailed])).toEqual([
        ['keeper', 1],
        ['replica', 0],
      ]);
      expect(new Set(processes.map(({ pid }) => pid)).size).toBe(2);
    });
  });

  it('is asked for with a nonce of 16 to 64 bytes', async () => {
    await lent({ processes: 1 }, async (enclave) => {
      for (const bytes of [15, 65])
        await expect(enclave.quote(Buffer.alloc(bytes))).rejects.toMatchObject({ code: 'ATTESTATION_INVALID' });
    });
  });
});

describe('the enclave of an engine', () => {
  it('is the one that is attested and inspected while the engine writes the log', async () => {
    const house = await EngineHouse.open({ clock: 'wall' });
    try {
      const url = house.natsUrl.replace('nats://', `nats://operator:${house.user('operator').password}@`);
      const asked = ['--log', house.logDir, '--json'];
      expect(protego('attest', ...asked)).toMatchObject({ status: 2, json: { code: 'LOG_LOCKED' } });
      writeFileSync(join(house.root, 'nats/operator.url'), url);
      const attested = protego('attest', ...asked, '--nonce', NONCE);
      expect(attested).toMatchObject({ status: 0, json: { emulated: true, enclave: 'engine', nonce: NONCE } });
      const key = protego('platform-key', '--log', house.logDir, '--json').text;
      const { measurement, quote } = attested.json as { measurement: string; quote: string };
      const verified = protego(
        'verify',
        quote,
        '--platform-key',
        key,
        '--nonce',
        NONCE,
        '--measurement',
        measurement,
        '--json',
      );
      expect(verified).toMatchObject({ status: 0, json: { ok: true, measurement } });
      const inspected = protego('inspect', ...asked);
      expect(inspected).toMatchObject({
        status: 0,
        json: { emulated: true, enclave: 'engine', identity: { measurement, configuration: { mode: 'write' } } },
      });
      expect((inspected.json['processes'] as unknown[]).length).toBe(2);
    } finally {
      await house.close();
    }
  });
});
