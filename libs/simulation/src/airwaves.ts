import { deviceDraft } from './event-drafts';
import type { EventDraft } from './draft';
import type { Hospital, SimulatedDevice } from './hospital/model';
import type { SeededRandom } from './random';

// Wireless networks as access points hear them: those of the house, of neighbours, and those that people carry about.

/** Wireless networks of the house, with how they are encrypted. */
export const HOUSE_NETWORKS = [
  { ssid: 'clinical-wireless', encryption: 'wpa3-enterprise' },
  { ssid: 'staff-wireless', encryption: 'wpa3-enterprise' },
  { ssid: 'guest-wireless', encryption: 'open' },
] as const;

const ENCRYPTIONS = ['wpa2-personal', 'wpa3-personal', 'wpa2-personal', 'open'] as const;
const HOTSPOT_NAMES = ['phone', 'galaxy', 'pixel', 'iphone', 'tablet', 'car'] as const;
const NEIGHBOUR_NAMES = ['practice', 'pharmacy', 'cafe', 'home', 'office', 'fibre', 'router'] as const;

/** An access point, as it stands in events. */
export interface AccessPoint {
  readonly bssid: string;
  readonly ssid: string;
  readonly managed: boolean;
  readonly on_wire: boolean;
  readonly encryption: string;
}

/** One address of the card for each network that it carries. */
const FIRST_BYTES = ['06', '0a', '0e'] as const;

/** What an access point of the house says on the air: one network identifier for each network. */
export function houseAccessPoint({ view }: SimulatedDevice, network: number): AccessPoint {
  const { ssid, encryption } = HOUSE_NETWORKS[network % HOUSE_NETWORKS.length] as (typeof HOUSE_NETWORKS)[number];
  return {
    bssid: `${FIRST_BYTES[network % FIRST_BYTES.length] as string}${view.mac.slice(2)}`,
    ssid,
    managed: true,
    on_wire: true,
    encryption,
  };
}

/** A hotspot that somebody carries about. */
export function hotspot(random: SeededRandom): AccessPoint {
  return foreign(`${random.pick(HOTSPOT_NAMES)}-${random.integer(100, 9999)}`, random);
}

/** A network next door. */
export function neighbour(random: SeededRandom): AccessPoint {
  return foreign(`${random.pick(NEIGHBOUR_NAMES)}-${random.integer(10, 999)}`, random);
}

function foreign(ssid: string, random: SeededRandom): AccessPoint {
  return { bssid: strangeBssid(random), ssid, managed: false, on_wire: false, encryption: random.pick(ENCRYPTIONS) };
}

/** The identifier of an access point that nobody in the house knows. */
export function strangeBssid(random: SeededRandom): string {
  const bytes = [2, random.integer(0, 255), random.integer(0, 255), ...[0, 1, 2].map(() => random.integer(0, 255))];
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** An access point of the house hears another; signal in dBm. */
export function heardDraft(timeMs: number, by: SimulatedDevice, heard: AccessPoint, signalDbm: number): EventDraft {
  return deviceDraft(timeMs, 'network-monitor', 'device.access-point-observed', by.view, {
    access_point: { ...heard },
    ward: by.view.ward,
    signal_dbm: signalDbm,
  });
}

/** Access points of a ward, or of the whole house where it has none. */
export function accessPointsAt(hospital: Hospital, ward: string): readonly SimulatedDevice[] {
  const here = hospital.devicesOf('access-point', ward);
  return here.length > 0 ? here : hospital.devicesOf('access-point');
}
