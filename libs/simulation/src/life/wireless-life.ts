import { accessPointsAt, heardDraft, hotspot, houseAccessPoint, neighbour, type AccessPoint } from '../airwaves';
import { addressClaim, networkOf, ownAddressClaim, sharedGatewayAddress } from '../address-claims';
import type { EventDraft } from '../draft';
import { SeededRandom } from '../random';
import { dayFactor } from './host-life';
import { SLICE_MS, type Life, type Slice } from './life';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SLICES_PER_DAY = DAY_MS / SLICE_MS;

// How often, each day.
const HEARD_PER_ACCESS_POINT = 16;
const CLAIMS_PER_DEVICE = 0.4;
/** The gateway that holds the shared address says so this often. */
const SHARED_CLAIM_MS = 2 * HOUR_MS;
const FAILOVERS_PER_DAY = 0.1;
const NEIGHBOURS_PER_WARD = 5;
const HOTSPOT_MS = 3 * HOUR_MS;

/** What access points hear of each other and of strangers, and which card says that which address is its own. */
export const WIRELESS_LIFE: Life = {
  name: 'wireless',
  drafts: (slice) => [...heardInSlice(slice), ...claimsInSlice(slice), ...sharedAddress(slice)],
};

const timeIn = ({ random, startMs, endMs }: Slice): number => random.integer(startMs, endMs - 1);

function heardInSlice(slice: Slice): EventDraft[] {
  const { hospital, random, settings, startMs } = slice;
  const listeners = hospital.devicesOf('access-point');
  if (listeners.length === 0) return [];
  const perSlice = (HEARD_PER_ACCESS_POINT * listeners.length) / SLICES_PER_DAY;
  const drafts: EventDraft[] = [];
  for (let n = random.times(perSlice * settings.rates.hosts * settings.eventRateFactor); n > 0; n--) {
    const by = random.pick(listeners);
    const chance = random.fraction();
    const heard =
      chance < 0.5
        ? houseAccessPoint(random.pick(accessPointsAt(hospital, by.view.ward)), random.integer(0, 2))
        : chance < 0.8
          ? neighbourOf(slice, by.view.ward)
          : hotspotNear(slice, by.view.ward, startMs);
    drafts.push(heardDraft(timeIn(slice), by, heard, random.integer(-90, -40)));
  }
  return drafts;
}

/** The same few neighbours all the time. */
function neighbourOf({ seed, random }: Slice, ward: string): AccessPoint {
  return neighbour(SeededRandom.ofStream(seed, `neighbour/${ward}/${random.integer(1, NEIGHBOURS_PER_WARD)}`));
}

/** People carry hotspots about: the same for some hours, then others. */
function hotspotNear({ seed, random }: Slice, ward: string, timeMs: number): AccessPoint {
  const period = Math.floor(timeMs / HOTSPOT_MS);
  return hotspot(SeededRandom.ofStream(seed, `hotspot/${ward}/${period}/${random.integer(1, 3)}`));
}

function claimsInSlice(slice: Slice): EventDraft[] {
  const { hospital, random, settings, startMs } = slice;
  const { devices } = hospital;
  const expected = (CLAIMS_PER_DEVICE * devices.length * dayFactor(startMs)) / SLICES_PER_DAY;
  const drafts: EventDraft[] = [];
  for (let n = random.times(expected * settings.rates.hosts * settings.eventRateFactor); n > 0; n--)
    drafts.push(ownAddressClaim(timeIn(slice), random.pick(devices)));
  return drafts;
}

function sharedAddress({ hospital, seed, startMs, endMs }: Slice): EventDraft[] {
  const address = sharedGatewayAddress(hospital);
  const [first, second] = hospital.devicesOf('gateway');
  if (address === undefined || first === undefined) return [];
  const { fromMs, toMs } = failover(seed, startMs);
  const beatMs = Math.ceil(startMs / SHARED_CLAIM_MS) * SHARED_CLAIM_MS;
  return [...(fromMs < toMs ? [fromMs, toMs] : []), beatMs]
    .filter((timeMs) => timeMs >= startMs && timeMs < endMs)
    .map((timeMs) => {
      const holder = second !== undefined && timeMs >= fromMs && timeMs < toMs ? second : first;
      return addressClaim(timeMs, holder.view, address, holder.view.mac, networkOf(holder));
    });
}

/** On some days the second gateway takes the shared address over for a while; half-open, empty on the others. */
function failover(seed: number, timeMs: number): { readonly fromMs: number; readonly toMs: number } {
  const day = Math.floor(timeMs / DAY_MS);
  const random = SeededRandom.ofStream(seed, `failover/${day}`);
  const fromMs = day * DAY_MS + random.integer(18 * HOUR_MS, 22 * HOUR_MS);
  return { fromMs, toMs: random.chance(FAILOVERS_PER_DAY) ? fromMs + random.integer(10, 90) * 60_000 : fromMs };
}
