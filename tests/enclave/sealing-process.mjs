// Seals and opens events of many patients, and does what it is told over IPC. It keeps the vault itself, or starts an enclave of
// `processes` that does. Reads one JSON object of options as its argument.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const options = JSON.parse(process.argv[2] ?? '{}');
const { root, directory, patients, processes } = options;
const { openEnclave, openHouseKeys } = require(`${root}/dist/libs/enclave/src/index.js`);
const { loadFieldClasses } = require(`${root}/dist/libs/artefacts/src/index.js`);

const houseOptions = { directory, mode: 'write', fields: loadFieldClasses(`${root}/streams`) };
const house = await (processes === undefined
  ? openHouseKeys(houseOptions)
  : openEnclave({ ...houseOptions, processes }));
// Not by asking the enclave: a process that was started and not called yet is looked at, too.
const childrenOf = (pid) => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
const pids = processes === undefined ? [] : [house.keeperPid, ...childrenOf(house.keeperPid).map(Number)];
const { vault } = house;
const BATCH = 50;
const sealed = [];
const planted = [];

function eventOf(n) {
  const time = new Date(Date.UTC(2026, 0, 5) + n).toISOString();
  const data = {
    actor: { user: { uid: 'staff-1' } },
    device: { uid: `tablet-${n % 7}` },
    patient: { uid: `patient-${n}` },
    record_type: 'medication-plan',
    care_relationship: true,
  };
  const head = { specversion: '1.0', id: `e-${n}`, source: 'ehr', type: 'access.record-read', site: 'north' };
  return { ...head, time, data };
}

/** Secrets come inverted, so that the message is none. */
const invertedOf = (secret) => Buffer.from(secret).map((byte) => byte ^ 0xff);

const tasks = {
  async seal() {
    for (let n = 0; n < patients; n += BATCH) {
      const events = Array.from({ length: Math.min(BATCH, patients - n) }, (_, i) => eventOf(n + i));
      for (const sealing of await vault.seal(events)) {
        if (sealing.kind === 'refused') throw sealing.error;
        sealed.push(sealing.sealed);
      }
    }
    await vault.flush();
  },
  async open() {
    for (let n = 0; n < sealed.length; n += BATCH) {
      const records = sealed
        .slice(n, n + BATCH)
        .map(({ body, sealed: part }) => ({ event: JSON.parse(body.toString()), sealed: part }));
      await vault.openForPipeline(records);
      await vault.reveal(records);
    }
  },
  evict: () => vault.evictKeys(),
  destroy: ({ keyIds }) => vault.destroy(keyIds),
  close: () => house.close(),
  plantBytes: ({ secret }) => void planted.push(invertedOf(secret)),
  plantText: ({ secret }) => {
    const bytes = invertedOf(secret);
    planted.push(bytes.toString('hex'));
    bytes.fill(0);
  },
  // As heap numbers, one by one: code that is not compiled yet, and reads the secret as words. Often, because a collection may
  // move neighbours into holes far from each other.
  plantWords: ({ secret }) => {
    const bytes = invertedOf(secret);
    for (let round = 0; round < 50; round++)
      for (let at = 0; at < bytes.length; at += 4) planted.push({ word: bytes.readUInt32LE(at) });
    bytes.fill(0);
  },
};

process.on('message', async ({ task, ...details }) => {
  try {
    await tasks[task](details);
    globalThis.gc?.();
    process.send({ isDone: true, planted: planted.length });
  } catch (error) {
    process.send({ isDone: false, error: String(error?.stack ?? error) });
  }
});
process.on('disconnect', () => process.exit(0));
process.send({ isDone: true, pids });
