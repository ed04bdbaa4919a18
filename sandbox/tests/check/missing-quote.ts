export default function greet(customer: { name: string }) {
  const text = "Hello, ;
  return text + customer.name;
}
