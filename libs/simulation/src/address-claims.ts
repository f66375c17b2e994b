import type { EventDraft } from './draft';
import { deviceDraft } from './event-drafts';
import type { DeviceView, Hospital, SimulatedDevice } from './hospital/model';

/** The part of the network in which a device's card is heard: wireless networks cover the house, switches a ward. */
export function networkOf({ view }: SimulatedDevice): string {
  switch (view.type) {
    case 'infusion-pump':
    case 'tablet':
      return 'clinical-wireless';
    case 'phone':
      return view.managed ? 'staff-wireless' : 'guest-wireless';
    case 'wearable':
      return 'guest-wireless';
    case 'cellular-gateway':
      return 'cellular';
    default:
      return `${view.ward}-wired`;
  }
}

/** A card says in a part of the network that an address is its own. */
export function addressClaim(timeMs: number, device: DeviceView, ip: string, mac: string, network: string): EventDraft {
  return deviceDraft(timeMs, 'network-monitor', 'device.address-claimed', device, { ip, mac, network });
}

/** A device says that its address is its own. */
export function ownAddressClaim(timeMs: number, device: SimulatedDevice): EventDraft {
  const { view } = device;
  return addressClaim(timeMs, view, view.ip, view.mac, networkOf(device));
}

/** Address that the two gateways of the house take turns to hold, below those of devices; undefined where there are none. */
export function sharedGatewayAddress(hospital: Hospital): string | undefined {
  const gateway = hospital.devicesOf('gateway')[0];
  return gateway?.view.ip.replace(/\d+$/, '9');
}
