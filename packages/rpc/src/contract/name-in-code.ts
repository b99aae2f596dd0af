/** `customer_id` as generated code has it: `customerId`. */
export function nameInCode(name: string): string {
  return name.replace(/_+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
