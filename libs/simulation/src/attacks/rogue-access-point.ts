import {
  HOUSE_NETWORKS,
  accessPointsAt,
  heardDraft,
  hotspot,
  houseAccessPoint,
  neighbour,
  strangeBssid,
  type AccessPoint,
} from '../airwaves';
import type { SimulatedDevice } from '../hospital/model';
import { amountOf, type Course, type Script, type Stage } from './activity';
import { Storyline, ofDevice, ofPerson, somebody } from './storyline';

const MINUTE_MS = 60_000;

/** Access points of a ward with beds that hear what stands there; empty where the house has none. */
function listeners({ hospital, random }: Stage): readonly SimulatedDevice[] {
  const wards = hospital.wards.filter(({ name }) => hospital.devicesOf('access-point', name).length > 0);
  return wards.length === 0 ? [] : accessPointsAt(hospital, random.pick(wards).name);
}

const ofAccessPoint = ({ bssid }: AccessPoint): Course['entities'][number] => ({ kind: 'access-point', id: bssid });

/** Heard again and again for a while, by whoever is near. */
function onAir(
  story: Storyline,
  by: readonly SimulatedDevice[],
  heard: AccessPoint,
  usualMs: number,
  times: number,
): void {
  const { random } = story.stage;
  story.repeat(amountOf(story.stage, times, 3), usualMs, () => {
    story.add(heardDraft(story.nowMs, random.pick(by), heard, random.integer(-72, -38)));
  });
}

function airScript(
  kind: Script['kind'],
  name: string,
  source: string,
  usualMinutes: number,
  accessPointOf: (stage: Stage, by: readonly SimulatedDevice[]) => AccessPoint,
): Script {
  return {
    attack: 'rogue-access-point',
    kind,
    name,
    source,
    durationMsMax: usualMinutes * MINUTE_MS,
    play: (stage) => {
      const by = listeners(stage);
      if (by.length === 0) return undefined;
      const heard = accessPointOf(stage, by);
      const story = new Storyline(stage);
      onAir(story, by, heard, usualMinutes * MINUTE_MS, Math.ceil(usualMinutes / 12));
      const firstMs = story.firstMs;
      return story.course([ofAccessPoint(heard), ...by.slice(0, 2).map(ofDevice)], kind === 'attack' ? firstMs : null);
    },
  };
}

const evilTwin = airScript(
  'attack',
  'evil-twin',
  'an intelligence service at the fence of a laboratory, 2018: an access point under the name of the house',
  180,
  ({ random }) => ({
    bssid: strangeBssid(random),
    ssid: random.pick(HOUSE_NETWORKS).ssid,
    managed: false,
    on_wire: false,
    encryption: random.pick(['open', 'wpa2-personal']),
  }),
);

const namesake = airScript(
  'attack',
  'evil-twin-namesake',
  'twins in airports and aircraft, 2024: a name that one reads over',
  180,
  ({ random }) => {
    const { ssid } = random.pick(HOUSE_NETWORKS);
    const name = random.pick([
      ssid.replace('-', '_'),
      `${ssid}-5g`,
      ssid.replace('l', '1'),
      ssid.replace('wireless', 'wifi'),
    ]);
    return { bssid: strangeBssid(random), ssid: name, managed: false, on_wire: false, encryption: 'open' };
  },
);

const onTheWire = airScript(
  'attack',
  'unmanaged-on-the-wire',
  'break-ins by radio, 2022 to 2024: a small router behind a socket of the ward',
  240,
  ({ random }) => ({ ...neighbour(random), on_wire: true }),
);

/** The identifier of one of the house's own, without what protects it. */
const cloned = airScript(
  'attack',
  'evil-twin-cloned',
  'research on clinics: the identifier of an access point is no secret',
  180,
  ({ random }, by) => ({ ...houseAccessPoint(random.pick(by), random.integer(0, 1)), encryption: 'open' }),
);

const phoneHotspot = airScript(
  'benign-twin',
  'phone-hotspot',
  'a visitor shares the connection of a phone',
  120,
  ({ random }) => hotspot(random),
);

const newNeighbour = airScript(
  'benign-twin',
  'new-neighbour',
  'a practice next door has a new router',
  300,
  ({ random }) => neighbour(random),
);

const replacedAccessPoint: Script = {
  attack: 'rogue-access-point',
  kind: 'benign-twin',
  name: 'access-point-replaced',
  source: 'a new access point is on air before it is entered, under a ticket',
  durationMsMax: 120 * MINUTE_MS,
  play: (stage) => {
    const by = listeners(stage);
    const admin = somebody(stage, 'it-administrator');
    if (by.length === 0 || admin === undefined) return undefined;
    const { random } = stage;
    const story = new Storyline(stage);
    const replaced = random.pick(by);
    const ticket = story.announce(replaced, admin.user, 'access point replaced', 120);
    story.pass(15 * MINUTE_MS);
    const heard = { ...houseAccessPoint(replaced, random.integer(0, 2)), bssid: strangeBssid(random), managed: false };
    onAir(story, by, heard, 60 * MINUTE_MS, 8);
    story.pass(10 * MINUTE_MS);
    story.add(heardDraft(story.nowMs, random.pick(by), { ...heard, managed: true }, random.integer(-60, -40)));
    story.conclude(replaced, admin.user, ticket);
    return story.course([ofDevice(replaced), ofPerson(admin.user)], null);
  },
};

/** Access points that pose as the house's or hang on its wire, and those that only look strange. */
export const ROGUE_ACCESS_POINT_SCRIPTS: readonly Script[] = [
  evilTwin,
  namesake,
  onTheWire,
  cloned,
  phoneHotspot,
  newNeighbour,
  replacedAccessPoint,
];
