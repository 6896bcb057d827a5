// npm's `fhir` (Lantana) between our XML and our JSON: a line {"xml"} gives {"json"}, a line {"json"} gives {"xml"}; what it cannot, {"fault"}.
import { createInterface } from 'node:readline';
import fhirPackage from 'fhir';

const fhir = new fhirPackage.Fhir();
for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const asked = JSON.parse(line);
  let answer;
  try {
    answer = asked.xml ? { json: fhir.xmlToObj(asked.xml) } : { xml: fhir.objToXml(asked.json) };
  } catch (error) {
    answer = { fault: String(error).slice(0, 300) };
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}
