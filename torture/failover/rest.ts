/** What Patroni's REST interface says of a member. */
interface MemberState {
  readonly name: string;
  readonly role: string;
  readonly state: string;
}

/** All members, as one Patroni sees them; none where it can't be asked. */
export async function membersSeenBy(url: string): Promise<readonly MemberState[]> {
  const response = await fetch(`${url}/cluster`, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
  const answer: unknown = await response?.json().catch(() => null);
  const members: unknown = typeof answer === "object" && answer !== null ? Reflect.get(answer, "members") : null;
  return Array.isArray(members) ? members.filter(isMemberState) : [];
}

/** The HTTP status of an answer; null where there is none. */
export async function statusOf(url: string): Promise<number | null> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
  await response?.body?.cancel();
  return response?.status ?? null;
}

function isMemberState(member: unknown): member is MemberState {
  return typeof member === "object" && member !== null && "name" in member && "role" in member && "state" in member;
}
