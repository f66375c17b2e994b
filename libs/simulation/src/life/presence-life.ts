import { networkOf } from '../address-claims';
import type { EventDraft } from '../draft';
import { DAY_MS } from '../durations';
import { deviceDraft } from '../event-drafts';
import { drawIndex } from '../hospital/draws';
import type { DeviceClass, Duty, SimulatedDevice } from '../hospital/model';
import { busyness } from './day-shape';
import type { Life, Slice } from './life';

const MINUTE_MS = 60_000;
/** How long before duty somebody comes, and how long after it somebody goes, at most. */
const COMING_MS_MAX = 14 * MINUTE_MS;
const GOING_MS_MAX = 18 * MINUTE_MS;

/** How often a day a device goes out of reach of one access point and into that of the next. */
const ROAMS_PER_DAY: Partial<Record<DeviceClass, number>> = {
  tablet: 5,
  'infusion-pump': 0.7,
  wearable: 1.5,
  'cellular-gateway': 6,
};

/** Devices that join the network and leave it: those that are carried about, and phones of those who come and go. */
export const PRESENCE_LIFE: Life = {
  name: 'presence',
  drafts: (slice) => {
    const drafts: EventDraft[] = [];
    roams(slice, drafts);
    comings(slice, drafts);
    return drafts;
  },
};

function roams({ hospital, settings, random, startMs, endMs }: Slice, drafts: EventDraft[]): void {
  const dayShare = ((endMs - startMs) / DAY_MS) * settings.eventRateFactor * settings.rates.flows;
  for (const [type, perDay] of Object.entries(ROAMS_PER_DAY)) {
    const devices = hospital.devicesOf(type as DeviceClass);
    const expected = devices.length * perDay * busyness('ward', startMs) * dayShare;
    for (let left = random.times(expected); left > 0; left--) {
      const device = random.pick(devices);
      const leftMs = random.integer(startMs, endMs - 1);
      const joinedMs = leftMs + random.integer(2_000, 40_000);
      drafts.push(presenceDraft(leftMs, device, 'left'));
      // Nobody is on the way while a slice ends: both ends of a way lie in the same one.
      drafts.push(presenceDraft(Math.min(joinedMs, endMs - 1), device, 'joined'));
    }
  }
}

/** Phones join some minutes before a duty in the house, and leave some minutes after it. */
function comings({ hospital, startMs, endMs }: Slice, drafts: EventDraft[]): void {
  const add = ({ person, isOnCall }: Duty, timeMs: number, act: 'joined' | 'left'): void => {
    if (person.phone === undefined || isOnCall || timeMs < startMs || timeMs >= endMs) return;
    drafts.push(presenceDraft(timeMs, person.phone, act));
  };
  if (hospital.devicesOf('phone').length === 0) return;
  for (const duty of hospital.dutiesBeginning(startMs, endMs + COMING_MS_MAX)) {
    add(duty, duty.startMs - offset(duty, COMING_MS_MAX), 'joined');
  }
  for (const duty of hospital.dutiesEnding(startMs - GOING_MS_MAX, endMs)) {
    add(duty, duty.endMs + offset(duty, GOING_MS_MAX), 'left');
  }
}

/** Another one for each person and duty. */
function offset({ person, startMs }: Duty, atMost: number): number {
  return drawIndex(atMost, person.resident.index, Math.floor(startMs / MINUTE_MS));
}

function presenceDraft(timeMs: number, device: SimulatedDevice, act: 'joined' | 'left'): EventDraft {
  return deviceDraft(timeMs, 'network-monitor', `device.${act}`, device.view, { network: networkOf(device) });
}
