import { DAY_MS } from './durations';
import { outside, type EndpointView, type UserView } from './event-drafts';
import { ScrambledNumbers } from './hospital/draws';
import type { Hospital, Partner, Resident } from './hospital/model';
import { SeededRandom } from './random';

/** Numbers of accounts say nothing of the numbers of patients. */
const ACCOUNT_NUMBERS = new ScrambledNumbers(7, 0x5eed);

/** The account of a patient in the portal and in apps. */
export function patientAccount(resident: Resident): UserView {
  return { uid: `pa-${ACCOUNT_NUMBERS.of(resident.index)}`, role: 'patient' };
}

// What partners and patients use; forms follow RFC 9110, section 10.1.5.
const BROWSERS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/134.0.0.0 Safari/537.36 Edg/134.0.0.0',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/134.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Safari/605.1.15',
] as const;
const PROGRAMS = ['InterfaceEngine/7.4', 'curl/8.5.0'] as const;
const APPS = [
  'FoodCoach/3.1 (iPhone; iOS 18.3)',
  'FoodCoach/3.1 (Android 14; Mobile)',
  'FoodCoach/3.0 (Android 13; Mobile)',
] as const;

const USER_AGENTS = { browser: BROWSERS, program: PROGRAMS, app: APPS } as const;

/** User agent of an account: always the same, whoever uses it. */
export function portalUserAgent(kind: keyof typeof USER_AGENTS, account: string): string {
  return SeededRandom.ofStream(0, `portal-agent/${account}`).pick(USER_AGENTS[kind]);
}

/** Kinds of partners whose program asks by itself, with a key instead of a sign-in. */
const WITH_PROGRAM: ReadonlySet<Partner['kind']> = new Set(['app-vendor', 'insurer', 'laboratory']);

/** The account of a partner's program, which has a key and never signs in; undefined for partners without one. */
export function programOf({ kind, users }: Partner): UserView | undefined {
  return WITH_PROGRAM.has(kind) ? users[0] : undefined;
}

/** People of a partner who sign in. */
export function peopleOfPartner(partner: Partner): readonly UserView[] {
  const program = programOf(partner);
  return program === undefined ? partner.users : partner.users.filter((user) => user !== program);
}

/** Address from which a partner's account works in its office: people of one office share few. */
export function officeAddress(hospital: Hospital, partner: Partner, account: string): EndpointView {
  const random = SeededRandom.ofStream(hospital.seed, `office/${account}`);
  const ip = addressIn(random.pick(partner.networks), random.integer(1, 3));
  return outside(ip, hospital.countryOf(ip));
}

/** Address by its place in a network in CIDR; small places lie in it whatever its size. */
export function addressIn(network: string, place: number): string {
  const bytes = (network.split('/')[0] as string).split('.').map(Number);
  return [...bytes.slice(0, 3), (bytes[3] as number) + place].join('.');
}

/** Address at which a partner's person is at home. */
export function partnerHomeAddress(hospital: Hospital, account: string): EndpointView {
  const random = SeededRandom.ofStream(hospital.seed, `home/${account}`);
  const ip = hospital.homeAddressOf(hospital.resident(random.integer(0, hospital.residentCount - 1)));
  return outside(ip, hospital.countryOf(ip));
}

/** An address of somebody on a journey on a day: abroad where the networks that are left have one. */
export function journeyAddress(hospital: Hospital, account: string, timeMs: number): EndpointView {
  return strangeEndpoint(
    hospital,
    SeededRandom.ofStream(hospital.seed, `journey/${account}/${Math.floor(timeMs / DAY_MS)}`),
    true,
  );
}

const PICKS_MAX = 200;

/** An address that is nobody's in ordinary life, abroad or in the hospital's own country. */
export function strangeEndpoint(hospital: Hospital, random: SeededRandom, isAbroad: boolean): EndpointView {
  const here = homeCountry(hospital);
  let ip = '';
  for (let n = 0; n < PICKS_MAX; n++) {
    ip = hospital.strangeAddress(random.word());
    if ((hospital.countryOf(ip) === here) !== isAbroad) break;
  }
  return outside(ip, hospital.countryOf(ip));
}

/** Country of the hospital: that in which its residents are at home. */
function homeCountry(hospital: Hospital): string {
  return hospital.countryOf(hospital.homeAddressOf(hospital.resident(0)));
}
