//! The guest's one import: `host(operation, number, bytes, len)`. One, because linking an import costs each job its time.

use wasmtime::{Caller, Linker};

use super::completion::Completion;
use super::state::Guest;
use crate::abi::{Field, Kind, Level, Operation, PLACE_COLUMNS, WarningKind};
use crate::stop::Stop;

/// Bytes that are kept of a script's stack as the guest locates it: names of functions may be as long as the memory holds.
const LOCATED_BYTES: usize = 1 << 20;

/// A linker that knows the import.
pub(crate) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    linker.func_wrap("scriptmill", "host", host)?;
    Ok(linker)
}

/// Does what the guest asks for. `sandbox/engine/README.md` says what each operation's arguments and result are.
#[allow(clippy::cast_precision_loss, reason = "JavaScript has no other number, and ids and lengths are below 2^53")]
fn host(mut caller: Caller<'_, Guest>, operation: i32, number: i32, ptr: u32, len: u32) -> wasmtime::Result<f64> {
    let memory = caller.data().memory.ok_or(Stop::Contract("it has no memory yet"))?;
    let fuel = caller.get_fuel();
    let (memory, guest) = memory.data_and_store_mut(&mut caller);
    let start = ptr as usize;
    let bytes = start.checked_add(len as usize).and_then(|end| memory.get_mut(start..end));
    let bytes = bytes.ok_or(Stop::Contract("it pointed outside its memory"))?;
    let operation = Operation::from_number(operation).ok_or(Stop::Contract("it asked for an unknown operation"))?;
    match operation {
        // A payload is taken once: after that the host does not hold it.
        Operation::Take if bytes.len() == guest.payload.len() => {
            bytes.copy_from_slice(&std::mem::take(&mut guest.payload))
        }
        Operation::Take => return Err(Stop::Contract("it took another payload than it was given").into()),
        Operation::Settle => complete(guest, number, bytes)?,
        Operation::HostCall => return Ok(f64::from(guest.calls.begin(number, bytes)?)),
        Operation::CancelCall => guest.calls.cancel(number.cast_unsigned()),
        Operation::Log => {
            let level = Level::from_number(number).unwrap_or(Level::Info);
            guest.logs.add(level, bytes, &guest.limits)?;
        }
        Operation::Context => {
            let field = Field::from_number(number);
            let field = field.ok_or(Stop::Contract("it asked for an unknown field of the context"))?;
            guest.payload = guest.context.field(field)?;
            return Ok(guest.payload.len() as f64);
        }
        Operation::Fuel => return Ok(fuel? as f64),
        Operation::Located => guest.located = bytes[..bytes.len().min(LOCATED_BYTES)].to_vec(),
        Operation::Place => return Ok(place(guest, number, bytes).unwrap_or(-1.0)),
        Operation::Warn => {
            let kind = WarningKind::from_number(number);
            guest.warnings.add(kind.ok_or(Stop::Contract("it warned of an unknown kind of thing"))?, bytes);
        }
        Operation::Now => return Ok(guest.timers.now().as_secs_f64() * 1e6),
    }
    Ok(0.0)
}

/// The author's place of a place in the emitted code, as one number.
fn place(guest: &mut Guest, module: i32, bytes: &[u8]) -> Option<f64> {
    let [line, column] = [bytes.first_chunk()?, bytes.last_chunk()?].map(|number| u32::from_le_bytes(*number));
    let (line, column) = guest.places.as_mut()?.original(usize::try_from(module).ok()?, line, column)?;
    let column = f64::from(column);
    (column < PLACE_COLUMNS).then(|| f64::from(line) * PLACE_COLUMNS + column)
}

fn complete(guest: &mut Guest, kind: i32, bytes: &[u8]) -> Result<(), Stop> {
    if guest.completion.is_some() {
        return Err(Stop::Contract("it settled twice"));
    }
    let kind = Kind::from_number(kind).ok_or(Stop::Contract("it settled in an unknown way"))?;
    guest.completion = Some(Completion::read(kind, bytes, guest.limits.output_bytes));
    Ok(())
}
