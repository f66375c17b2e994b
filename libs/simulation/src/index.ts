export {
  GENERATOR_VERSION,
  SITE_DEFAULT,
  START_TIME_DEFAULT,
  simulateHospital,
  type PlantedEvents,
  type Simulation,
  type SimulationOptions,
  type SimulationPart,
} from './simulation';
export { ATTACKS, type AttackName, type SimulationLabel } from './label';
export { SCENARIOS, SETTINGS, type Scenario, type SettingDeclaration, type SimulationSettings } from './settings';
