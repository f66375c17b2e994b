import { SeededRandom } from '../random';
import type { Addresses } from './addresses';
import { ScrambledNumbers, drawIndex } from './draws';
import type { Partner } from './model';
import { surnameOf } from './surnames';

type Kind = Partner['kind'];

/** Kinds of partners in the order in which a growing hospital finds them; what comes after repeats the last eight. */
const KINDS: readonly Kind[] = [
  'general-practice',
  'laboratory',
  'app-vendor',
  'insurer',
  'rehabilitation',
  'general-practice',
  'hospital',
  'research',
  'general-practice',
  'general-practice',
  'rehabilitation',
  'general-practice',
  'app-vendor',
  'general-practice',
  'laboratory',
  'hospital',
];
const REPEATED_FROM = 8;

const NAMES: Readonly<Record<Kind, readonly string[]>> = {
  'general-practice': ['Family practice', 'Group practice', 'Health centre'],
  laboratory: ['Reference laboratory', 'Pathology institute'],
  rehabilitation: ['Rehabilitation clinic', 'Day clinic'],
  research: ['Institute for clinical research', 'Trial centre'],
  insurer: ['Health insurance', 'Mutual insurance'],
  'app-vendor': ['Nutrition coaching', 'Digital health'],
  hospital: ['General hospital', 'District hospital'],
};

const PURPOSES: Readonly<Record<Kind, readonly string[]>> = {
  'general-practice': ['treatment', 'referral', 'discharge-letter'],
  laboratory: ['laboratory-order', 'laboratory-result'],
  rehabilitation: ['treatment', 'discharge-letter'],
  research: ['research'],
  insurer: ['billing'],
  'app-vendor': ['nutrition-coaching', 'remote-monitoring'],
  hospital: ['treatment', 'referral', 'second-opinion'],
};

/** How many people work with the portal, and how many networks of 16 addresses a partner of a kind has. */
const SIZES: Readonly<Record<Kind, { readonly users: readonly [number, number]; readonly networks: number }>> = {
  'general-practice': { users: [2, 5], networks: 1 },
  laboratory: { users: [4, 9], networks: 1 },
  rehabilitation: { users: [3, 8], networks: 1 },
  research: { users: [2, 5], networks: 1 },
  insurer: { users: [5, 10], networks: 2 },
  'app-vendor': { users: [1, 3], networks: 1 },
  hospital: { users: [5, 12], networks: 2 },
};

/** Partner organisations with an agreement, each with people and networks of its own. */
export function buildPartners(seed: number, count: number, addresses: Addresses): Partner[] {
  const random = SeededRandom.ofStream(seed, 'partners');
  const userNumbers = new ScrambledNumbers(5, random.word());
  const nameKey = random.word();
  let userCount = 0;
  let networkCount = 0;
  return Array.from({ length: count }, (_, index) => {
    const kind = kindAt(index);
    const { users, networks } = SIZES[kind];
    const name = `${random.pick(NAMES[kind])} ${surnameOf(nameKey, index, 1)}`;
    const uid = `org-${String(1000 + index * 7 + drawIndex(7, nameKey, index, 2))}`;
    return {
      view: Object.freeze({ uid, name }),
      kind,
      agreement: `ag-${2019 + drawIndex(7, nameKey, index, 3)}-${String(random.integer(1, 999)).padStart(3, '0')}`,
      purposes: PURPOSES[kind],
      networks: Array.from({ length: networks }, () => addresses.partnerNetwork(networkCount++)),
      users: Array.from({ length: random.integer(...users) }, () =>
        Object.freeze({ uid: `x-${userNumbers.of(userCount++)}`, role: 'partner-user' as const }),
      ),
    };
  });
}

function kindAt(index: number): Kind {
  if (index < KINDS.length) return KINDS[index] as Kind;
  return KINDS[REPEATED_FROM + ((index - KINDS.length) % (KINDS.length - REPEATED_FROM))] as Kind;
}
