export {
  SITE_DEFAULT,
  START_TIME_DEFAULT,
  simulateHospital,
  type Simulation,
  type SimulationOptions,
} from './simulation';
export { ATTACKS, type AttackName, type SimulationLabel } from './label';
export { SCENARIOS, SETTINGS, type Scenario, type SettingDeclaration, type SimulationSettings } from './settings';
