/** One turn of a conversation. */
export interface ChatMessage {
  /** `system`, `user`, `assistant`, or what else the model's template knows. */
  readonly role: string;
  readonly content: string;
}
