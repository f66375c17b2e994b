import type { EventDraft } from '../draft';
import { DAY_MS, HOUR_MS } from '../durations';
import { endpointOf, flowDraft } from '../event-drafts';
import type { SimulatedDevice } from '../hospital/model';
import { isWeekend } from '../hospital/shifts';
import { busyness } from './day-shape';
import type { Span } from './flow-kinds';
import type { Slice } from './life';

const MB = 1_000_000;

/** Hours in which devices work that nobody uses in an emergency. */
const PLANNED_HOURS = [8, 16] as const;

/** Studies of a kind of imaging device: how large, and how many an hour at a time. */
interface StudyKind {
  readonly bytes: Span;
  readonly perHour: (timeMs: number, isForEmergencies: boolean) => number;
}

/** Kinds of imaging devices in the order of their numbers: CT, MR, ultrasound, X-ray, angiography. */
const STUDY_KINDS: readonly StudyKind[] = [
  {
    bytes: [150 * MB, 420 * MB],
    perHour: (timeMs, isForEmergencies) => (isForEmergencies ? 1.2 : 0) + 1.4 * planned(timeMs),
  },
  { bytes: [80 * MB, 240 * MB], perHour: (timeMs) => 1.8 * planned(timeMs) },
  { bytes: [4 * MB, 14 * MB], perHour: (timeMs) => 0.9 * busyness('ward', timeMs) },
  { bytes: [6 * MB, 16 * MB], perHour: (timeMs) => 1.1 * busyness('ward', timeMs) },
  { bytes: [100 * MB, 280 * MB], perHour: (timeMs) => 1.6 * planned(timeMs) },
];

/** Adds the connections with which imaging devices send studies to the archive. */
export function studyFlows({ hospital, settings, random, startMs, endMs }: Slice, drafts: EventDraft[]): void {
  const archives = hospital.devicesOf('image-archive');
  if (archives.length === 0) return;
  const rate = (settings.eventRateFactor * settings.rates.flows * (endMs - startMs)) / HOUR_MS;
  hospital.devicesOf('imaging').forEach((device, index) => {
    const number = Number(device.view.uid.slice(-2)) % STUDY_KINDS.length;
    const { bytes, perHour } = STUDY_KINDS[number] as StudyKind;
    const isForEmergencies = index < STUDY_KINDS.length;
    for (let left = random.times(perHour(startMs, isForEmergencies) * rate); left > 0; left--) {
      const archive = archives[index % archives.length] as SimulatedDevice;
      const bytesOut = random.integer(...bytes);
      drafts.push(
        flowDraft(random.integer(startMs, endMs - 1), {
          about: device.view,
          from: endpointOf(device),
          fromPort: random.integer(49_152, 65_535),
          to: endpointOf(archive),
          toPort: 104,
          application: 'dicom',
          bytesOut,
          bytesIn: random.integer(2_000, 90_000),
          durationMs: Math.round(bytesOut / 12_000),
        }),
      );
    }
  });
}

/** 1 in the hours of appointments, else 0. */
function planned(timeMs: number): number {
  const day = Math.floor(timeMs / DAY_MS);
  const hour = (timeMs - day * DAY_MS) / HOUR_MS;
  return !isWeekend(day) && hour >= PLANNED_HOURS[0] && hour < PLANNED_HOURS[1] ? 1 : 0;
}
