// Keeps a vault, seals and opens events of many patients, and does what it is told over IPC. Reads one JSON object of options
// as its argument.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const options = JSON.parse(process.argv[2] ?? '{}');
const { root, directory, patients } = options;
const { openHouseKeys } = require(`${root}/dist/libs/enclave/src/index.js`);
const { loadFieldClasses } = require(`${root}/dist/libs/artefacts/src/index.js`);

const house = await openHouseKeys({ directory, mode: 'write', fields: loadFieldClasses(`${root}/streams`) });
const { vault } = house;
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

const tasks = {
  async seal() {
    for (let n = 0; n < patients; n++) {
      const { body, sealed: part } = vault.seal(eventOf(n));
      sealed.push([body, part]);
    }
    await vault.flush();
  },
  open() {
    for (const [body, part] of sealed) {
      const event = JSON.parse(body.toString());
      vault.openForPipeline(event, part);
      vault.reveal(event, part);
    }
  },
  evict: () => vault.evictKeys(),
  destroy: ({ keyIds }) => vault.destroy(keyIds),
  close: () => house.close(),
  plantBytes: ({ secret }) =>
    void planted.push(Buffer.from(Buffer.from(secret.map((byte) => byte ^ 0xff)).map((byte) => byte ^ 0xff))),
  plantText: ({ secret }) =>
    void planted.push(
      Buffer.from(secret.map((byte) => byte ^ 0xff))
        .map((byte) => byte ^ 0xff)
        .toString('hex'),
    ),
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
process.send({ isDone: true });
