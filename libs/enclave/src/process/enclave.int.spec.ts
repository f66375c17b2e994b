import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ProtegoError, type ProtegoEvent } from '@protego/contracts';
import type { Admission, AdmittedEvent, RawEvent } from '../personal-data';
import { describeVault } from '../testing';
import { SAMPLE_GATE } from '../testing/sample-gate';
import { eventOf, storedOf } from '../testing/sample-events';
import { shippedFields } from '../testing/shipped-fields';
import { openEnclave, type Enclave } from './open-enclave';

const ENTRY = join(__dirname, '../../../../dist/libs/enclave/src/process/enclave-main.js');

jest.setTimeout(60_000);

describeVault('an enclave of two processes', {
  open: async (directory, mode, fields, gate) => {
    const enclave = await openEnclave({ directory, mode, fields, gate, processes: 2, entry: ENTRY });
    // Closing the vault of an enclave ends it.
    return enclave.vault;
  },
});

function signIn(n: number, uid: string, data: object = {}): RawEvent {
  const event = eventOf('access.signed-in', { user: { uid }, ...data }, { id: `in-${n}` });
  return rawOf(event);
}

function rawOf(event: ProtegoEvent): RawEvent {
  return { bytes: Buffer.from(JSON.stringify(event)), source: event.source, family: undefined };
}

function admittedOf(admission: Admission | undefined): AdmittedEvent {
  if (admission?.kind !== 'admitted') throw admission?.error ?? new Error('a message was left without outcome');
  return admission.event;
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
}

/** Processes whose parent or grandparent is this one and that run the script of an enclave. */
function enclavePids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(ENTRY)) return false;
        return [parentOf(pid), parentOf(parentOf(pid))].includes(process.pid);
      } catch {
        return false;
      }
    });
}

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries++) {
    if (tries > 200) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

describe('an enclave', () => {
  let directory: string;
  let enclave: Enclave;
  const losses: ProtegoError[] = [];
  const open = (processes: number): Promise<Enclave> =>
    openEnclave({
      ...{ directory, mode: 'write', fields: shippedFields(), gate: SAMPLE_GATE, processes, entry: ENTRY },
      onLost: (error) => losses.push(error),
    });

  beforeAll(() => {
    if (!existsSync(ENTRY)) throw new Error('the enclave is not built: run `npm run build`');
  });

  beforeEach(async () => {
    losses.length = 0;
    directory = mkdtempSync(join(tmpdir(), 'protego-enclave-'));
    enclave = await open(3);
  });

  afterEach(async () => {
    await enclave.close().catch(() => undefined);
    rmSync(directory, { recursive: true });
    await until(() => enclavePids().length === 0);
  });

  it('gives each person one key, whichever process meets the person first, and however many at a time', async () => {
    const batches = Array.from({ length: 24 }, (_, batch) =>
      Array.from({ length: 64 }, (_each, i) => signIn(64 * batch + i, `p-${(7 * batch + i) % 200}`)),
    );
    const events = (await Promise.all(batches.map((batch) => enclave.vault.admit(batch)))).flat().map(admittedOf);
    const keyIdsOf = ({ sealed }: AdmittedEvent): string => sealed.sealed.subarray(22, 38).toString('hex');
    const byToken = new Map<string, Set<string>>();
    for (const event of events) {
      const { user } = storedOf(event.sealed).data as { user: { uid: string } };
      const keys = byToken.get(user.uid) ?? new Set();
      byToken.set(user.uid, keys.add(keyIdsOf(event)));
    }
    expect(byToken.size).toBe(200);
    expect([...byToken.values()].filter((keys) => keys.size !== 1)).toEqual([]);
    const opened = await enclave.vault.reveal(
      events.map(({ sealed }) => ({ event: storedOf(sealed), sealed: sealed.sealed })),
    );
    expect(opened.map(({ event }) => (event.data as { user: { uid: string } }).user.uid)).toEqual(
      batches
        .flat()
        .map(({ bytes }) => (JSON.parse(bytes.toString()) as { data: { user: { uid: string } } }).data.user.uid),
    );
  });

  it('knows in every process whom an answered call has named, and nobody whom an answered erasure forgot', async () => {
    for (let round = 0; round < 20; round++) {
      const uid = `maria.keller${round}`;
      await enclave.vault.admit([signIn(round, uid)]);
      const text = (i: number): RawEvent => signIn(1_000 + 10 * round + i, 'jonas', { note: `for ${uid}` });
      const told = await Promise.all([0, 1, 2, 3, 4, 5].map((i) => enclave.vault.admit([text(i)])));
      const events = told.map(([admission]) => admittedOf(admission));
      const keyIds = (await enclave.vault.find(uid))?.keyIds ?? [];
      expect(keyIds).toHaveLength(1);
      await enclave.vault.destroy(keyIds);
      const records = events.map(({ sealed }) => ({ event: storedOf(sealed), sealed: sealed.sealed }));
      // Each record alone, so that every process is asked.
      const opened = await Promise.all(records.map((record) => enclave.vault.reveal([record])));
      expect(JSON.stringify(opened)).not.toContain(uid);
    }
  });

  it('makes data keys that the log can use at once, and has them again', async () => {
    const [first, second] = [enclave.keys.dataKeyId, await enclave.rotateDataKey()];
    expect(second).toBe(first + 1);
    const salt = Buffer.alloc(32, 7);
    const logId = Buffer.alloc(16, 3);
    const blockKeys = [first, second].map((id) => enclave.keys.blockKey(id, logId, salt).toString('hex'));
    const { publicKey } = enclave.keys.signer;
    const signature = await enclave.keys.signer.sign(Buffer.from('a note'));
    await enclave.close();
    enclave = await open(1);
    expect([first, second].map((id) => enclave.keys.blockKey(id, logId, salt).toString('hex'))).toEqual(blockKeys);
    expect(enclave.keys.signer.publicKey).toEqual(publicKey);
    expect(await enclave.keys.signer.sign(Buffer.from('a note'))).toEqual(signature);
    expect(() => enclave.keys.blockKey(99, logId, salt)).toThrow('no data key');
  });

  it('learns in another process of data keys that were made since', async () => {
    const reading = await openEnclave({ directory, mode: 'read', processes: 2, entry: ENTRY });
    const [salt, logId] = [Buffer.alloc(32, 7), Buffer.alloc(16, 3)];
    const made = [await enclave.rotateDataKey(), await enclave.rotateDataKey()];
    expect(() => reading.keys.blockKey(made[0] as number, logId, salt)).toThrow('no data key');
    await reading.keys.refresh?.();
    expect(reading.keys.dataKeyId).toBe(made[1]);
    for (const id of made)
      expect(reading.keys.blockKey(id, logId, salt)).toEqual(enclave.keys.blockKey(id, logId, salt));
    await expect(reading.rotateDataKey()).rejects.toMatchObject({ code: 'LOG_READ_ONLY' });
    await reading.close();
  });

  it('is lost as a whole when one of its processes is killed, says so once, and is whole again after a new start', async () => {
    const event = admittedOf((await enclave.vault.admit([signIn(1, 'p-1')]))[0]);
    await enclave.vault.flush();
    for (const isKeeper of [false, true]) {
      const pids = enclavePids();
      expect(pids).toHaveLength(3);
      process.kill(isKeeper ? enclave.keeperPid : (pids.find((pid) => pid !== enclave.keeperPid) as number), 'SIGKILL');
      await until(() => losses.length > 0);
      await expect(enclave.vault.admit([signIn(2, 'p-2')])).rejects.toMatchObject({ code: 'ENCLAVE_LOST' });
      await until(() => enclavePids().length === 0);
      expect(losses.map(({ code }) => code)).toEqual(['ENCLAVE_LOST']);
      losses.length = 0;
      enclave = await open(3);
    }
    const [opened] = await enclave.vault.reveal([{ event: storedOf(event.sealed), sealed: event.sealed.sealed }]);
    expect(opened?.event.data).toMatchObject({ user: { uid: 'p-1' } });
  });

  it('ends with the process that started it, however that ends', async () => {
    await enclave.close();
    const script = `
      const { openEnclave } = require(${JSON.stringify(join(ENTRY, '../open-enclave.js'))});
      openEnclave({ directory: ${JSON.stringify(directory)}, mode: 'write', processes: 2 }).then(() => process.kill(process.pid, 'SIGKILL'));`;
    expect(spawnSync(process.execPath, ['-e', script]).signal).toBe('SIGKILL');
    await until(() => enclavePids().length === 0);
    enclave = await open(1);
  });

  it('keeps its directory locked while it runs, and says what is wrong with it', async () => {
    await expect(open(1)).rejects.toMatchObject({ code: 'LOG_LOCKED' });
    const empty = mkdtempSync(join(tmpdir(), 'protego-empty-'));
    const none = openEnclave({ directory: empty, mode: 'read', entry: ENTRY });
    await expect(none).rejects.toMatchObject({ code: 'LOG_KEY_MISSING' });
    rmSync(empty, { recursive: true });
    await expect(open(0)).rejects.toMatchObject({ code: 'USAGE_INVALID' });
  });

  it('refuses a call that is too large, and goes on', async () => {
    const huge = { bytes: Buffer.alloc(70 * 1_048_576), source: 'ehr', family: undefined };
    await expect(enclave.vault.admit([huge])).rejects.toMatchObject({ code: 'ENCLAVE_CALL_INVALID' });
    expect(admittedOf((await enclave.vault.admit([signIn(1, 'p-1')]))[0]).id).toBe('in-1');
  });
});
