import type { EventDraft } from '../draft';
import { patientView } from '../event-drafts';
import { UNNAMED_SHARE, imageDraft, type Preamble } from '../image-studies';
import { dayFactor } from './host-life';
import { SLICE_MS, type Life, type Slice } from './life';

const SLICES_PER_DAY = 86_400_000 / SLICE_MS;
const STUDIES_PER_DEVICE_AND_DAY = 24;

/** What the first bytes of studies are: nothing for the most part, slides are TIFF as well, some makers sign theirs. */
function preambleBy(chance: number): Preamble {
  if (chance < 0.9) return 'zero';
  if (chance < 0.95) return 'tiff';
  return chance < 0.98 ? 'text' : 'other';
}

/** Studies that come to the archive. */
export const IMAGING_LIFE: Life = {
  name: 'imaging',
  drafts: (slice: Slice): EventDraft[] => {
    const { hospital, random, settings, startMs, endMs } = slice;
    const senders = hospital.devicesOf('imaging');
    const archives = hospital.devicesOf('image-archive');
    if (senders.length === 0 || archives.length === 0) return [];
    const perSlice = (STUDIES_PER_DEVICE_AND_DAY * senders.length * dayFactor(startMs)) / SLICES_PER_DAY;
    const count = random.times(perSlice * settings.rates.hosts * settings.eventRateFactor);
    if (count === 0) return [];
    const stays = hospital.inpatients(startMs);
    return Array.from({ length: count }, () => {
      const stay = stays.length === 0 || random.chance(UNNAMED_SHARE) ? undefined : random.pick(stays);
      const patient = stay === undefined ? undefined : patientView(stay.patient, stay.ward);
      const timeMs = random.integer(startMs, endMs - 1);
      return imageDraft(
        timeMs,
        random.pick(archives),
        random.pick(senders),
        preambleBy(random.fraction()),
        patient,
        random,
      );
    });
  },
};
