//! What the demo's business sells. Invented; prices in pence.

/// A dish.
#[derive(Clone, Debug)]
pub(super) struct MenuItem {
    pub(super) name: &'static str,
    pub(super) aliases: &'static [&'static str],
    pub(super) category: &'static str,
    pub(super) price: i64,
    pub(super) available: bool,
    /// Minutes in the kitchen.
    pub(super) preparation: i64,
    /// What may be added, and what it costs.
    pub(super) modifiers: &'static [(&'static str, i64)],
}

/// What may be had with a pizza.
const WITH_PIZZA: &[(&str, i64)] = &[("extra cheese", 150), ("gluten free base", 200)];

const fn dish(
    name: &'static str,
    aliases: &'static [&'static str],
    category: &'static str,
    price: i64,
    preparation: i64,
) -> MenuItem {
    MenuItem { name, aliases, category, price, available: true, preparation, modifiers: &[] }
}

/// The menu of Neoron Pizza. One dish is sold out, so that the refusal can
/// be met without the control API.
pub(super) fn menu() -> Vec<MenuItem> {
    let mut menu = vec![
        dish("Margherita pizza", &["margherita", "margarita", "cheese pizza"], "Pizza", 950, 15),
        dish("Pepperoni pizza", &["pepperoni"], "Pizza", 1_100, 15),
        dish("Vegetarian pizza", &["veggie pizza", "vegetable pizza"], "Pizza", 1_050, 15),
        dish("Four cheese pizza", &["quattro formaggi"], "Pizza", 1_150, 15),
        dish("Hawaiian pizza", &["ham and pineapple"], "Pizza", 1_100, 15),
        dish("Calzone", &["folded pizza"], "Pizza", 1_200, 20),
        dish("Garlic bread", &["garlic baguette"], "Sides", 450, 8),
        dish("Caesar salad", &["salad"], "Sides", 650, 6),
        dish("Tiramisu", &["tiramisù"], "Desserts", 550, 2),
        dish("Panna cotta", &[], "Desserts", 500, 2),
        dish("Cola", &["coke", "coca cola"], "Drinks", 250, 1),
        dish("Sparkling water", &["fizzy water", "water"], "Drinks", 200, 1),
    ];
    for item in &mut menu {
        item.available = item.name != "Calzone";
        if item.category == "Pizza" {
            item.modifiers = WITH_PIZZA;
        }
    }
    menu
}

/// A service of the salon.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) aliases: &'static [&'static str],
    /// Minutes; a multiple of the calendar's grid.
    pub(super) duration: i64,
    pub(super) price: i64,
}

/// The services, by the name that a booking carries.
pub(super) static SERVICES: &[Service] = &[
    Service { name: "haircut", title: "Haircut", aliases: &["hair cut", "trim"], duration: 30, price: 2_800 },
    Service { name: "colour", title: "Hair colouring", aliases: &["color", "dye"], duration: 90, price: 7_500 },
    Service { name: "beard-trim", title: "Beard trim", aliases: &["beard"], duration: 30, price: 1_500 },
    Service {
        name: "wash-and-style",
        title: "Wash and style",
        aliases: &["blow dry", "styling"],
        duration: 60,
        price: 3_500,
    },
];

/// The people who can be booked, one customer at a time each.
pub(super) const RESOURCES: [&str; 2] = ["Alex", "Sam"];

/// A kind of support request.
pub(super) struct Category {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) priority: &'static str,
}

/// The support desk's categories; the first is taken when a caller names none.
pub(super) static CATEGORIES: &[Category] = &[
    Category { name: "General", description: "Anything else", priority: "Low" },
    Category { name: "Delivery", description: "Late, wrong or missing orders", priority: "High" },
    Category { name: "Billing", description: "Payments, invoices and refunds", priority: "Medium" },
    Category { name: "Technical", description: "The website, the app or the phone line", priority: "Medium" },
    Category { name: "Allergy", description: "Ingredients and allergic reactions", priority: "Urgent" },
];

/// Opening hours as shown to callers.
pub(super) const OPENING_DAYS: [&str; 6] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
