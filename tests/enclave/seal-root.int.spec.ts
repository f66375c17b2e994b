import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDirectoryLocked, openEnclave, openHouseKeys, sealEnclaveRoot, type UnlockFile } from '@protego/enclave';
import { EventLogWriter } from '@protego/event-log';
import { EngineHouse, PROTEGO, until } from '../engine/engine-house';
import { bytesOf, probeEvent } from '../engine/sample-events';
import { CLI_ENTRY, ENCLAVE_ENTRY, copyBuild } from './copied-build';

jest.setTimeout(240_000);

interface Answer {
  readonly status: number | null;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

function run(cli: string, args: readonly string[]): Answer {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8' });
  const text = stdout + stderr;
  const line = text.split('\n').find((each) => each.startsWith('{"')) ?? '{}';
  return { status, text, json: JSON.parse(line) as Record<string, unknown> };
}

const protego = (...args: readonly string[]): Answer => run(PROTEGO, args);
const refusalOf = (code: string): object => ({ status: 2, json: { code } });

const IMPORT = ['import', '--format', 'cloudevents', '--site', 'ward'];

/** Options of a command for unlock files, in their order. */
const unlockArgs = (files: readonly UnlockFile[]): string[] =>
  files.flatMap(({ kind, path }) => [kind === 'key-file' ? '--unlock-key-file' : '--unlock-passphrase-file', path]);

function putSecret(path: string, text: string): string {
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

describe('an engine whose root secret is sealed', () => {
  let house: EngineHouse;
  let safe: string;
  let isSealed = false;
  const at = (name: string): string => join(safe, name);

  beforeAll(async () => {
    house = await EngineHouse.open({ clock: 'wall' });
    safe = join(house.root, 'safe');
    mkdirSync(safe, { mode: 0o700 });
    putSecret(at('pass'), 'correct horse battery\n');
    putSecret(at('wrong.pass'), 'correct horse butter!\n');
    await house.stopEngine();
  });
  afterAll(() => house.close());

  const seal = (...args: readonly string[]): Answer => {
    const source = isSealed ? ['--root-secret', at('recovery')] : ['--recovery', at('recovery')];
    const sealed = protego('enclave', 'seal', '--log', house.logDir, ...source, ...args, '--json');
    isSealed = true;
    return sealed;
  };
  const keys = (): string[] => readdirSync(join(house.logDir, 'keys')).filter((name) => name.startsWith('root'));
  const reveal = (...args: readonly string[]): Answer =>
    protego('log', 'cat', '--log', house.logDir, '--reveal', 'a test of the sealed root', ...args, '--json');
  const passphrase = (name: string): UnlockFile => ({ kind: 'passphrase', path: at(name) });
  const keyFile = (name: string): UnlockFile => ({ kind: 'key-file', path: at(name) });

  it.each([
    { name: 'nothing but the platform', make: [], unlock: [] },
    { name: 'a key file', make: ['--make-key-file', 'a.key'], unlock: ['a.key'] },
    { name: 'a passphrase', make: ['--unlock-passphrase-file', 'pass'], unlock: ['pass'] },
    {
      name: 'key file and passphrase of two operators',
      make: ['--make-key-file', 'b.key', '--unlock-passphrase-file', 'pass'],
      unlock: ['b.key', 'pass'],
    },
  ])('starts unlocked by $name, and commands read its log', async ({ make, unlock }) => {
    const files = unlock.map((name) => (name.endsWith('.key') ? keyFile(name) : passphrase(name)));
    const factors = files.map(({ kind }) => kind);
    const sealed = seal(...make.map((part) => (part.startsWith('--') ? part : at(part))));
    expect(sealed).toMatchObject({ status: 0, json: { emulated: true, kept: 'sealed', factors } });
    expect(keys()).toEqual(['root.sealed']);
    expect(statSync(at('recovery')).mode & 0o777).toBe(0o600);
    house.unlock = files;
    await house.startEngine();
    const uid = `anna.${unlock.join('-') || 'nobody'}`;
    const event = probeEvent(Date.now(), { id: uid, type: 'access.signed-in', data: { user: { uid } } });
    expect((await house.post(bytesOf(event), 'application/json')).status).toBe(200);
    const url = house.natsUrl.replace('nats://', `nats://operator:${house.user('operator').password}@`);
    const inspected = protego('enclave', 'inspect', '--log', house.logDir, '--engine', url, '--json');
    expect(inspected.json).toMatchObject({ enclave: 'engine', root: { kept: 'sealed', factors } });
    expect(protego('enclave', 'seal', '--log', house.logDir, '--no-recovery', '--json')).toMatchObject(
      refusalOf('LOG_LOCKED'),
    );
    expect(await house.stopEngine()).toBe(0);
    const revealed = reveal(...unlockArgs(files));
    expect(revealed.status).toBe(0);
    expect(revealed.text).toContain(`"uid":"${uid}"`);
    const attested = protego('enclave', 'attest', '--log', house.logDir, ...unlockArgs(files), '--json');
    expect(attested.json).toMatchObject({ enclave: 'command', root: { kept: 'sealed', factors } });
    if (unlock.length === 0) return;
    expect(reveal()).toMatchObject(refusalOf('ENCLAVE_UNLOCK_NEEDED'));
    if (unlock.length === 2) {
      expect(reveal(...unlockArgs(files.slice(1)))).toMatchObject(refusalOf('ENCLAVE_UNLOCK_NEEDED'));
      expect(reveal(...unlockArgs([...files].reverse()))).toMatchObject(refusalOf('ENCLAVE_UNLOCK_REFUSED'));
    }
    const wrong = files.map(({ kind }) => (kind === 'key-file' ? keyFile('recovery') : passphrase('wrong.pass')));
    expect(reveal(...unlockArgs(wrong))).toMatchObject(refusalOf('ENCLAVE_UNLOCK_REFUSED'));
    house.unlock = wrong;
    await expect(house.startEngine()).rejects.toThrow('ENCLAVE_UNLOCK_REFUSED');
  });
});

describe('protego enclave seal', () => {
  let root: string;
  let log: string;
  let safe: string;
  const at = (name: string): string => join(root, name);
  const keysFile = (name: string): string => join(log, 'keys', name);
  const seal = (...args: readonly string[]): Answer => protego('enclave', 'seal', '--log', log, '--json', ...args);
  const stat = (...args: readonly string[]): Answer => protego('log', 'stat', '--log', log, '--json', ...args);

  const putEvent = (): void => {
    const time = '2026-03-03T07:00:00.000Z';
    const type = 'device.telemetry-reported';
    const event = { specversion: '1.0', id: 'e-1', source: 'probe', type, time, arrivedat: time, site: 'ward' };
    writeFileSync(at('events.ndjson'), `${JSON.stringify({ ...event, data: { device: { uid: 'pump-1' } } })}\n`);
  };

  beforeEach(async () => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'protego-seal-')));
    log = at('log');
    safe = at('safe');
    mkdirSync(safe, { mode: 0o700 });
    const house = await openHouseKeys({ directory: join(log, 'keys'), mode: 'write' });
    await (await EventLogWriter.open({ directory: log, origin: 'protego/ward', keys: house.keys })).close();
    await house.close();
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('leaves no byte of the root secret in the directory of the keys, and a recovery copy that is it', () => {
    const secret = readFileSync(keysFile('root.secret'));
    expect(seal('--recovery', join(safe, 'recovery'))).toMatchObject({ status: 0, json: { from: 'root.secret' } });
    expect(readFileSync(join(safe, 'recovery'))).toEqual(secret);
    for (const name of readdirSync(join(log, 'keys'))) {
      const content = readFileSync(keysFile(name));
      expect(content.includes(secret)).toBe(false);
      expect(content.toString('latin1')).not.toContain(secret.toString('hex'));
    }
    expect(stat()).toMatchObject({ status: 0 });
  });

  it('is refused on another platform, with an older sealed root, in debug mode and elsewhere', () => {
    seal('--recovery', join(safe, 'recovery'));
    const older = readFileSync(keysFile('root.sealed'));
    expect(seal('--root-secret', join(safe, 'recovery'))).toMatchObject({ json: { from: 'recovery copy' } });
    const newest = readFileSync(keysFile('root.sealed'));
    expect(stat().status).toBe(0);
    expect(stat('--platform', at('none'))).toMatchObject(refusalOf('ENCLAVE_NOT_ATTESTED'));
    expect(existsSync(at('none'))).toBe(false);
    const unsealed = at('unsealed');
    cpSync(log, unsealed, { recursive: true });
    rmSync(join(unsealed, 'keys/root.sealed'));
    copyFileSync(join(safe, 'recovery'), join(unsealed, 'keys/root.secret'));
    protego('enclave', 'attest', '--log', unsealed, '--platform', at('other'));
    expect(stat('--platform', at('other'))).toMatchObject(refusalOf('ENCLAVE_PLATFORM_MISMATCH'));
    writeFileSync(keysFile('root.sealed'), older);
    const refused = stat();
    expect(refused).toMatchObject(refusalOf('ENCLAVE_ROLLED_BACK'));
    expect(refused.text).toContain('protego enclave seal --root-secret');
    writeFileSync(keysFile('root.sealed'), newest);
    expect(protego('enclave', 'attest', '--log', log, '--debug', '--json')).toMatchObject(
      refusalOf('ENCLAVE_CODE_MISMATCH'),
    );
    const moved = at('moved');
    renameSync(log, moved);
    expect(protego('log', 'stat', '--log', moved, '--json')).toMatchObject(refusalOf('ENCLAVE_LABEL_MISMATCH'));
    renameSync(moved, log);
    expect(stat().status).toBe(0);
  });

  it('seals for other code once the operator brings the recovery copy', () => {
    seal('--recovery', join(safe, 'recovery'));
    const edits = { 'contracts/src/time.js': (text: string): string => `${text} ` };
    const parts = readdirSync(join(PROTEGO, '../../../..')).filter((name) => !name.startsWith('.'));
    const updated = join(copyBuild(root, edits, parts), CLI_ENTRY);
    const refused = run(updated, ['log', 'stat', '--log', log, '--json']);
    expect(refused).toMatchObject(refusalOf('ENCLAVE_CODE_MISMATCH'));
    expect(refused.text).toContain('protego enclave seal --root-secret');
    const again = ['enclave', 'seal', '--log', log, '--json', '--no-recovery'];
    expect(run(updated, again)).toMatchObject(refusalOf('ENCLAVE_CODE_MISMATCH'));
    expect(run(updated, [...again, '--root-secret', join(safe, 'recovery')])).toMatchObject({ status: 0 });
    expect(run(updated, ['log', 'stat', '--log', log]).status).toBe(0);
    expect(stat()).toMatchObject(refusalOf('ENCLAVE_CODE_MISMATCH'));
  });

  it('seals a sealed root anew, which gives a recovery copy before an update', () => {
    const pass = ['--unlock-passphrase-file', putSecret(join(safe, 'pass'), 'correct horse battery')];
    const secret = readFileSync(keysFile('root.secret'));
    seal('--no-recovery', ...pass);
    expect(seal('--recovery', join(safe, 'recovery'))).toMatchObject(refusalOf('ENCLAVE_UNLOCK_NEEDED'));
    const again = seal('--recovery', join(safe, 'recovery'), ...pass);
    expect(again).toMatchObject({ status: 0, json: { from: 'root.sealed', factors: ['passphrase'] } });
    expect(readFileSync(join(safe, 'recovery'))).toEqual(secret);
    expect(stat(...pass).status).toBe(0);
  });

  it('refuses wrong use, and then changes nothing', async () => {
    const usage = refusalOf('USAGE_INVALID');
    expect(seal()).toMatchObject(usage);
    for (const inside of [join(log, 'copy'), keysFile('copy'), at('platform/copy')]) {
      expect(seal('--recovery', inside)).toMatchObject(usage);
      expect(seal('--no-recovery', '--make-key-file', inside)).toMatchObject(usage);
    }
    expect(seal('--root-secret', keysFile('root.secret'))).toMatchObject(usage);
    expect(seal('--recovery', putSecret(join(safe, 'taken'), 'x'))).toMatchObject(usage);
    expect(readFileSync(join(safe, 'taken'), 'utf8')).toBe('x');
    const weak = putSecret(join(safe, 'weak'), 'short\n');
    expect(seal('--recovery', join(safe, 'recovery'), '--unlock-passphrase-file', weak)).toMatchObject(
      refusalOf('ENCLAVE_UNLOCK_INVALID'),
    );
    expect(existsSync(join(safe, 'recovery'))).toBe(false);
    const other = putSecret(join(safe, 'other'), 'of another log, of 32 bytes, sure'.slice(0, 32));
    expect(seal('--root-secret', other)).toMatchObject(refusalOf('LOG_KEYS_DAMAGED'));
    expect(protego('enclave', 'seal', '--log', at('none'), '--no-recovery', '--json')).toMatchObject(
      refusalOf('LOG_KEY_MISSING'),
    );
    const house = await openHouseKeys({ directory: join(log, 'keys'), mode: 'write' });
    expect(seal('--no-recovery')).toMatchObject(refusalOf('LOG_LOCKED'));
    await house.close();
    expect(readdirSync(join(log, 'keys')).filter((name) => name.startsWith('root'))).toEqual(['root.secret']);
  });

  it('asks every command that opens the keys for the same secrets', () => {
    expect(seal('--no-recovery', '--make-key-file', join(safe, 'a.key')).status).toBe(0);
    putEvent();
    const commands = [
      [...IMPORT, at('events.ndjson')],
      ['replay', '--out', at('replayed')],
      ['log', 'verify'],
      ['log', 'cat'],
      ['log', 'checkpoint', '--new'],
      ['log', 'expire', '--older-than', '365d', '--reason', 'a test'],
      ['log', 'backup', '--to', at('backup')],
      ['enclave', 'rotate'],
    ];
    for (const command of commands) {
      const asked = [...command, '--log', log, '--json'];
      expect(protego(...asked)).toMatchObject(refusalOf('ENCLAVE_UNLOCK_NEEDED'));
      const { status, text } = protego(...asked, '--unlock-key-file', join(safe, 'a.key'));
      expect({ command, status, text: status === 0 ? '' : text }).toEqual({ command, status: 0, text: '' });
    }
    expect(protego('log', 'cat', '--log', log, '--unlock-key-file', join(safe, 'a.key')).text).toContain('"e-1"');
  });

  it('leaves a key directory that a log is restored to', () => {
    const kept = at('kept');
    renameSync(join(log, 'keys'), kept);
    const inKept = ['--log', log, '--keys', kept, '--json'];
    const key = ['--unlock-key-file', join(safe, 'a.key')];
    const sealing = ['--make-key-file', join(safe, 'a.key'), '--recovery', join(safe, 'recovery')];
    expect(protego('enclave', 'seal', ...inKept, ...sealing).status).toBe(0);
    putEvent();
    expect(protego(...IMPORT, at('events.ndjson'), ...inKept, ...key).status).toBe(0);
    expect(protego('log', 'backup', ...inKept, ...key, '--to', at('backup')).status).toBe(0);
    const names = readdirSync(at('backup'), { recursive: true, encoding: 'utf8' });
    expect(names.filter((name) => name.includes('root'))).toEqual([]);
    rmSync(log, { recursive: true });
    const restore = ['log', 'restore', '--from', at('backup'), ...inKept];
    expect(protego(...restore)).toMatchObject(refusalOf('ENCLAVE_UNLOCK_NEEDED'));
    expect(protego(...restore, ...key).status).toBe(0);
    expect(protego('log', 'verify', ...inKept, ...key).status).toBe(0);
    rmSync(log, { recursive: true });
    const withCopy = ['--from', at('backup'), '--log', log, '--root-secret', join(safe, 'recovery'), '--json'];
    expect(protego('log', 'restore', ...withCopy).status).toBe(0);
    expect(stat().status).toBe(0);
    expect(seal('--no-recovery', ...key).status).toBe(0);
    expect(stat(...key).status).toBe(0);
  });

  it('takes a passphrase from a FIFO, once for each command', async () => {
    const fifo = join(safe, 'fifo');
    spawnSync('mkfifo', ['-m', '600', fifo]);
    const fed = async (...args: readonly string[]): Promise<number | null> => {
      const child = spawn(process.execPath, [PROTEGO, ...args, '--unlock-passphrase-file', fifo], { stdio: 'ignore' });
      const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
      await writeFile(fifo, 'correct horse battery\n');
      return ended;
    };
    expect(await fed('enclave', 'seal', '--log', log, '--no-recovery')).toBe(0);
    expect(await fed('log', 'cat', '--log', log, '--reveal', 'a test')).toBe(0);
  });

  it('waits for a FIFO no longer than whoever started it', async () => {
    const fifo = join(safe, 'fifo');
    spawnSync('mkfifo', ['-m', '600', fifo]);
    const args = ['enclave', 'seal', '--log', log, '--no-recovery', '--unlock-passphrase-file', fifo];
    const child = spawn(process.execPath, [PROTEGO, ...args], { stdio: 'ignore' });
    const isLocked = (): Promise<boolean> => isDirectoryLocked(join(log, 'keys'), 'keys');
    await until(isLocked, 'the enclave to wait for the FIFO');
    child.kill('SIGKILL');
    await until(async () => !(await isLocked()), 'the enclave to end');
    expect(readdirSync(join(log, 'keys'))).toContain('root.secret');
  });
});

describe('a sealing that is killed', () => {
  let root: string;

  beforeAll(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'protego-seal-killed-')));
  });
  afterAll(() => rmSync(root, { recursive: true }));

  it('at any change of the disk leaves a root that opens, or one whose sealing can be ended', async () => {
    const plan = join(root, 'plan');
    // Kills the process before the change whose number the plan says; a process without a plan lives.
    const killer = `
      const disk = require('node:fs/promises'), plan = ${JSON.stringify(plan)};
      const { existsSync, readFileSync, appendFileSync } = require('node:fs');
      let left = existsSync(plan) ? Number(readFileSync(plan, 'utf8')) : Infinity;
      const step = (name) => { if (--left === 0) { appendFileSync(plan + '.killed', name + '\\n'); process.kill(process.pid, 'SIGKILL'); while (true); } };
      for (const name of ['rename', 'rm', 'unlink', 'link', 'mkdir']) {
        const done = disk[name];
        disk[name] = (...args) => { step(name); return done(...args); };
      }
      const open = disk.open;
      disk.open = async (path, flags, ...more) => {
        const isWrite = typeof flags === 'number' ? (flags & 3) !== 0 : flags !== 'r';
        if (isWrite) step('open');
        const handle = await open(path, flags, ...more);
        for (const name of ['writeFile', 'write', 'sync']) {
          const done = handle[name].bind(handle);
          handle[name] = (...args) => { step(name); return done(...args); };
        }
        return handle;
      };\n`;
    const edits = { 'enclave/src/process/enclave-main.js': (text: string): string => killer + text };
    const entry = join(copyBuild(root, edits), ENCLAVE_ENTRY);
    const [directory, platformDirectory] = [join(root, 'log/keys'), join(root, 'platform')];
    await (await openHouseKeys({ directory, mode: 'write' })).close();
    const secret = readFileSync(join(directory, 'root.secret'));
    cpSync(directory, join(root, 'before'), { recursive: true });
    const recoveryFile = join(root, 'recovery');
    const seal = (): Promise<unknown> =>
      sealEnclaveRoot({ ...{ directory, platformDirectory, unlock: [], recoveryFile, entry } });
    const opened = async (mode: 'read' | 'write'): Promise<string> => {
      try {
        const enclave = await openEnclave({ directory, platformDirectory, mode, entry });
        const { root: custody } = await enclave.inspect();
        await enclave.close();
        return custody.kept;
      } catch (error) {
        return (error as { code?: string }).code ?? String(error);
      }
    };
    const outcomes = new Map<string, number>();
    for (let number = 1; ; number++) {
      for (const path of [directory, recoveryFile]) rmSync(path, { recursive: true, force: true });
      cpSync(join(root, 'before'), directory, { recursive: true });
      writeFileSync(plan, String(number));
      const isDone = await seal().then(
        () => true,
        () => false,
      );
      rmSync(plan);
      if (isDone) break;
      const outcome = await opened('read');
      expect(['file', 'sealed', 'ENCLAVE_ROOT_AMBIGUOUS']).toContain(outcome);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      if (outcome !== 'sealed') await seal();
      expect(await opened('write')).toBe('sealed');
      expect(readdirSync(directory).filter((name) => name.startsWith('root'))).toEqual(['root.sealed']);
      expect(readFileSync(recoveryFile)).toEqual(secret);
      expect(readdirSync(root).filter((name) => name.startsWith('.'))).toEqual([]);
    }
    expect([...outcomes.keys()].sort()).toEqual(['ENCLAVE_ROOT_AMBIGUOUS', 'file', 'sealed']);
    expect([...outcomes.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(15);
    expect(await opened('write')).toBe('sealed');
  }, 900_000);
});
