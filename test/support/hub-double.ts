export { startHubDouble } from './hub-double/start-hub-double.ts';
export type { HubDouble, WebhookPayload, WebhookSpec } from './hub-double/types.ts';
