import type { DeviceClass } from './hospital/model';
import { SeededRandom } from './random';

// The house buys a few kinds of devices, so few user agents are seen; forms follow RFC 9110, section 10.1.5.
const WORKSTATION = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/134.0.0.0 Safari/537.36 Edg/134.0.0.0',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/134.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0',
] as const;
const TABLET = [
  'Mozilla/5.0 (iPad; CPU OS 18_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/134.0.0.0 Safari/537.36',
] as const;
const PHONE = [
  'PocketEhr/4.2 (iPhone; iOS 18.3)',
  'PocketEhr/4.2 (Android 14; Mobile)',
  'PocketEhr/4.1 (Android 13; Mobile)',
] as const;
const AT_HOME = [
  ...WORKSTATION,
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Safari/605.1.15',
] as const;
const SERVICE = ['InterfaceEngine/7.4', 'curl/8.5.0'] as const;

function userAgentsOf(type: DeviceClass): readonly string[] {
  switch (type) {
    case 'tablet':
      return TABLET;
    case 'phone':
      return PHONE;
    // Those who come in through the gateway use a computer at home.
    case 'gateway':
      return AT_HOME;
    case 'ehr-server':
    case 'interface-server':
    case 'image-archive':
    case 'file-server':
    case 'backup-server':
    case 'domain-controller':
    case 'update-server':
      return SERVICE;
    default:
      return WORKSTATION;
  }
}

/**
 * User agent of a device of a class: always the same for the same key, which is the device's uid or, of a computer at home,
 * its owner's.
 */
export function userAgentOf(type: DeviceClass, key: string): string {
  return SeededRandom.ofStream(0, `user-agent/${key}`).pick(userAgentsOf(type));
}
