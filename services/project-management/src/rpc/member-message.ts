import { CreateMemberRequest, Member as MemberMessage } from '@rondo/contracts/projects/v1/team';
import { checked, validate } from '@rondo/rpc/status';
import type { Member, MemberFields } from '../domain/member.js';
import { memberName } from '../domain/names.js';
import type { RequestKey } from '../domain/request-key.js';
import { capacityFault, emailFault, titleFault } from '../domain/rules.js';
import { readRequestKey } from './request-keys.js';

/** What `CreateMember` asks for. @throws RpcError `INVALID_ARGUMENT` */
export function readCreateMember(request: CreateMemberRequest): {
  readonly fields: MemberFields;
  readonly key: RequestKey | undefined;
} {
  return validate((field) => {
    const { displayName, email, weeklyCapacityMinutes } = request.member ?? MemberMessage.fromPartial({});
    const fields = {
      displayName: checked(field('member.display_name'), displayName, titleFault),
      email: checked(field('member.email'), email, emailFault),
      weeklyCapacityMinutes: checked(field('member.weekly_capacity_minutes'), weeklyCapacityMinutes, capacityFault),
    };
    return { fields, key: readRequestKey(field('request_id'), request, CreateMemberRequest) };
  });
}

/** A member as the contract has it. */
export function toMemberMessage({ id, ...fields }: Member): MemberMessage {
  return { name: memberName(id), ...fields };
}
