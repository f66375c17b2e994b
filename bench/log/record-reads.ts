import { formatRfc3339 } from '@protego/contracts';

const START_MS = Date.UTC(2026, 2, 2, 7);
const PATIENTS = 20_000;
const STAFF = 1_500;

/** Raw JSON of record reads as a hospital system sends them, about 350 bytes, each with one patient and one staff field; no two are equal. */
export function recordReads(count: number): Buffer[] {
  return Array.from({ length: count }, (_, n) => Buffer.from(JSON.stringify(recordRead(n))));
}

function recordRead(n: number): unknown {
  // Multiplying by an odd constant scatters neighbouring numbers and never maps two of them to one.
  const scattered = Math.imul(n, 2_654_435_761) >>> 0;
  const time = formatRfc3339(START_MS + n);
  return {
    specversion: '1.0',
    id: `read-${scattered.toString(16).padStart(8, '0')}`,
    source: 'ehr',
    type: 'access.record-read',
    time,
    arrivedat: time,
    site: 'north',
    data: {
      actor: { user: { uid: `staff-${scattered % STAFF}`, role: 'nurse', ward: `ward-${scattered % 24}` } },
      device: { uid: `tablet-${(scattered >>> 4) % 800}` },
      patient: { uid: `patient-${(scattered >>> 3) % PATIENTS}` },
      record_type: 'medication-plan',
      care_relationship: (scattered & 7) !== 0,
    },
  };
}
