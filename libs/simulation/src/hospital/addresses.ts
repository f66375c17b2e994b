import { SeededRandom } from '../random';
import { drawIndex, drawWord } from './draws';

// The Internet of the simulation lies in networks that are kept for documentation and benchmarks (RFC 5737, RFC 2544): nobody's.
const NETWORKS = ['192.0.2.0', '198.51.100.0', '203.0.113.0', '198.18.0.0'] as const;
/** Each network in blocks of 16 addresses, of which 14 are used. */
const BLOCKS_PER_NETWORK = [16, 16, 16, 8192] as const;
const BLOCK_COUNT = BLOCKS_PER_NETWORK.reduce((sum, count) => sum + count, 0);
const HOSTS_PER_BLOCK = 14;
/** Of the addresses of a block of homes so many are in use; the others are nobody's. */
const HOMES_PER_BLOCK = 9;

/** Blocks by use, as parts of all; the order of the blocks is another in every seed. */
const PARTNER_BLOCKS = 800;
const SERVER_BLOCKS = 400;

/** The last two blocks of 203.0.113.0 belong to a cellular carrier, which shares them among phones. */
const CARRIER_BLOCKS = [46, 47] as const;

const HOME_COUNTRY = 'DE';
const COUNTRIES = ['NL', 'FR', 'PL', 'AT', 'US', 'GB', 'CZ', 'IT', 'ES', 'SE', 'RO', 'TR', 'BR', 'IN', 'VN'];
const ABROAD_SHARE = 0.15;

const COMPANIES =
  'Alpin Argus Atlas Aurora Basalt Beacon Borealis Cedar Cobalt Corvus Delta Ember Falcon Fjord Garnet Halo Harbor Helio Indigo Juniper Kestrel Lumen Lyra Magnet Meridian Nimbus Nova Onyx Opal Orbit Orchid Osprey Pillar Pine Polar Prisma Quartz Raven Ridge River Sable Sierra Solar Sonar Summit Terra Thistle Tidal Topaz Umbra Vela Vertex Willow Zenith Zephyr'
    .toLowerCase()
    .split(' ');
const TRADES = ['med', 'soft', 'net', 'cloud', 'works', 'data', 'labs', 'care', 'systems', 'web', 'media', 'shop'];
const SERVERS = ['www', 'api', 'cdn', 'updates', 'telemetry', 'portal', 'static', 'login', 'mail', 'files'];

/** A host name on the Internet with its address. */
export interface OutsideHost {
  readonly hostname: string;
  readonly ip: string;
}

/** Host names that are in use in ordinary life. */
export const ORDINARY_HOSTS = 600;
const STRANGE_HOSTS = 3000;
/** Addresses for each name, at most. */
const DISTINCT_SHARE = 0.8;

/** Addresses and names on the Internet: who uses which is another in every seed, and no address tells what it is used for. */
export class Addresses {
  readonly #key: number;
  readonly #countryKey: number;
  readonly #partnerBlocks: readonly number[];
  readonly #serverBlocks: readonly number[];
  readonly #homeBlocks: readonly number[];
  readonly #homeBlocksOfCountry: readonly number[];
  readonly #names: readonly string[];

  constructor(seed: number) {
    this.#key = SeededRandom.ofStream(seed, 'addresses').word();
    this.#countryKey = SeededRandom.ofStream(seed, 'countries').word();
    const random = SeededRandom.ofStream(seed, 'address-blocks');
    const blocks = random.sample(
      Array.from({ length: BLOCK_COUNT }, (_, index) => index).filter((block) => !isCarrier(block)),
      BLOCK_COUNT,
    );
    const isHere = (block: number): boolean => this.#countryOfBlock(block) === HOME_COUNTRY;
    this.#partnerBlocks = blocks.slice(0, PARTNER_BLOCKS).filter(isHere);
    this.#serverBlocks = blocks.slice(PARTNER_BLOCKS, PARTNER_BLOCKS + SERVER_BLOCKS);
    this.#homeBlocks = blocks.slice(PARTNER_BLOCKS + SERVER_BLOCKS);
    this.#homeBlocksOfCountry = this.#homeBlocks.filter(isHere);
    this.#names = random.sample(hostnames(), ORDINARY_HOSTS + STRANGE_HOSTS);
  }

  /** The network of 16 addresses that a partner has by index, in CIDR. */
  partnerNetwork(index: number): string {
    return `${addressOf((this.#partnerBlocks[index % this.#partnerBlocks.length] as number) * 16)}/28`;
  }

  /** Address of a household by its number. */
  home(household: number): string {
    const blocks = this.#homeBlocksOfCountry;
    const block = blocks[drawIndex(blocks.length, this.#key, household, 1)] as number;
    return this.#hostIn(block, drawIndex(HOMES_PER_BLOCK, this.#key, household, 2));
  }

  /** An address in a network of homes that is nobody's. */
  strange(pick: number): string {
    const block = this.#homeBlocks[drawIndex(this.#homeBlocks.length, this.#key, pick, 3)] as number;
    const place = HOMES_PER_BLOCK + drawIndex(HOSTS_PER_BLOCK - HOMES_PER_BLOCK, this.#key, pick, 4);
    return this.#hostIn(block, place);
  }

  /** An address of a cellular carrier. */
  carrier(pick: number): string {
    const place = modulo(pick, CARRIER_BLOCKS.length * HOSTS_PER_BLOCK);
    const block = CARRIER_BLOCKS[Math.floor(place / HOSTS_PER_BLOCK)] as number;
    return addressOf(block * 16 + 1 + (place % HOSTS_PER_BLOCK));
  }

  /** A host name that is in use in ordinary life; equal picks are equal hosts. */
  ordinaryHost(pick: number): OutsideHost {
    const index = modulo(pick, ORDINARY_HOSTS);
    return { hostname: this.#names[index] as string, ip: this.#server(index) };
  }

  /** A host name that is not in use in ordinary life; equal picks are equal hosts. */
  strangeHost(pick: number): OutsideHost {
    const index = ORDINARY_HOSTS + modulo(pick, this.#names.length - ORDINARY_HOSTS);
    return { hostname: this.#names[index] as string, ip: this.#server(index) };
  }

  /** Country of an address (ISO 3166-1): a whole block lies in one. */
  countryOf(address: string): string {
    const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
    if (a === 198 && (b === 18 || b === 19)) return this.#countryOfBlock(48 + (((b - 18) * 65_536 + c * 256 + d) >> 4));
    const network = NETWORKS.findIndex((start) => start.startsWith(`${a}.${b}.${c}.`));
    return this.#countryOfBlock(Math.max(0, network) * 16 + (d >> 4));
  }

  /** Some names share an address, as those of one provider do, but never one in use with one that is not. */
  #server(index: number): string {
    const isOrdinary = index < ORDINARY_HOSTS;
    const count = (isOrdinary ? ORDINARY_HOSTS : STRANGE_HOSTS) * DISTINCT_SHARE;
    const place = (isOrdinary ? 0 : ORDINARY_HOSTS) + drawIndex(count, this.#key, index, 5);
    const blocks = this.#serverBlocks;
    const block = blocks[place % blocks.length] as number;
    return this.#hostIn(block, Math.floor(place / blocks.length) % HOSTS_PER_BLOCK);
  }

  /** Address of a place in a block; the places of each block are in another order. */
  #hostIn(block: number, place: number): string {
    // 1, 3, 5, 9, 11 and 13 share no factor with 14, so that this is a permutation of the places.
    const word = drawWord(this.#key, block, 6);
    const factor = [1, 3, 5, 9, 11, 13][word % 6] as number;
    return addressOf(block * 16 + 1 + ((place * factor + (word >>> 8)) % HOSTS_PER_BLOCK));
  }

  #countryOfBlock(block: number): string {
    const share = drawWord(this.#countryKey, block) / 0x1_0000_0000;
    if (isCarrier(block) || share >= ABROAD_SHARE) return HOME_COUNTRY;
    return COUNTRIES[Math.floor((share / ABROAD_SHARE) * COUNTRIES.length)] as string;
  }
}

/** Text of an address by its number among all addresses of the networks. */
function addressOf(number: number): string {
  const block = number >> 4;
  if (block < 48) return `${(NETWORKS[block >> 4] as string).slice(0, -1)}${number & 255}`;
  const offset = number - 48 * 16;
  return `198.${18 + (offset >> 16)}.${(offset >> 8) & 255}.${offset & 255}`;
}

function hostnames(): string[] {
  return COMPANIES.flatMap((company) =>
    TRADES.flatMap((trade) => SERVERS.map((server) => `${server}.${company}${trade}.example`)),
  );
}

const isCarrier = (block: number): boolean => CARRIER_BLOCKS.some((carrier) => carrier === block);
const modulo = (value: number, by: number): number => ((value % by) + by) % by;
