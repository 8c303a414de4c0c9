// Tables only. Every sentence must be expressible in every charset of its language; a test converts
// them all.
#include "server/demo/languages.h"

#include <array>

namespace demo {
namespace {

using std::string_view;

constexpr auto kEnglishCharsets =
    std::to_array<string_view>({"us-ascii", "utf-8", "utf-8", "windows-1252", "iso-8859-1"});
constexpr auto kEnglishPeople = std::to_array<Person>({
    {"Alice Example", "alice@corp.example"},
    {"Bob Miller", "bob.miller@corp.example"},
    {"Carol Jones", "carol@partner.example"},
    {"O'Hara, Sean (Sales)", "sean.ohara@sales.example"},
    {"Priya Natarajan", "priya@design.example"},
    {"Facilities Desk", "facilities@corp.example"},
    {"Build Server", "ci@builds.example"},
    {"The Weekly Wader", "news@wader.example"},
    {"Travel Desk", "bookings@travel.example"},
    {"Dr. Emma Whitfield", "emma.whitfield@university.example"},
});
constexpr auto kEnglishSubjects = std::to_array<string_view>({
    "Minutes of the planning meeting",
    "Invoice",
    "Your order is on its way, order",
    "Question about the quarterly figures, part",
    "Lunch on Friday? Table for",
    "Draft of the contract, revision",
    "Re-scheduled: release review of build",
    "Photos from the field trip, day",
    "Ticket escalated:",
    "Travel itinerary, booking",
    "Bird count at the estuary, station",
    "Reminder: fire drill in building",
    "Weekly digest, issue",
    "Password policy update, notice",
});
constexpr auto kEnglishGreetings = std::to_array<string_view>(
    {"Hello,", "Hi everyone,", "Dear colleague,", "Good morning,", "Hi there,"});
constexpr auto kEnglishSentences = std::to_array<string_view>({
    "The meeting moved to Thursday at ten because the large room is taken on Wednesday.",
    "Could you please have a look at the attached figures before the call?",
    "I have put the latest version of the document on the shared drive.",
    "The supplier confirmed delivery for the end of the month, at the agreed price.",
    "We counted four hundred and twelve godwits on the mud flats this morning.",
    "Nobody has objected so far, so I will assume that we go ahead as planned.",
    "Please reply by Friday if you want to take part; the bus leaves at seven.",
    "The test run finished with two failures, both in the same module as last week.",
    "As discussed, the budget for travel is frozen until the new year.",
    "There is cake in the kitchen on the second floor.",
    "The printer near the entrance is out of order again; use the one upstairs.",
    "Let me know whether the numbers match what you see on your side.",
    "I am out of the office on Monday, so Carol will take over in the meantime.",
    "The contract needs two signatures and a copy for the archive.",
    "Our new office has a view over the harbour and, at last, decent coffee.",
    "For details see https://intranet.example/projects/estuary and the notes from March.",
});
constexpr auto kEnglishClosings = std::to_array<string_view>(
    {"Kind regards", "Best wishes", "Thanks a lot", "Cheers", "See you on Friday"});

constexpr auto kGermanCharsets =
    std::to_array<string_view>({"iso-8859-1", "windows-1252", "utf-8", "iso-8859-15"});
constexpr auto kGermanPeople = std::to_array<Person>({
    {"Jürgen Müller", "juergen.mueller@firma.example"},
    {"Änne Groß", "aenne@gross.example"},
    {"Käthe Schönfeld", "k.schoenfeld@verein.example"},
    {"Buchhaltung Süd", "buchhaltung@firma.example"},
});
constexpr auto kGermanSubjects = std::to_array<string_view>(
    {"Rechnung Nr.", "Rückfrage zum Angebot", "Einladung zur Mitgliederversammlung",
     "Änderung der Öffnungszeiten, Aushang", "Schlüsselübergabe Wohnung", "Protokoll der Sitzung",
     "Grüße aus dem Wattenmeer, Teil"});
constexpr auto kGermanGreetings =
    std::to_array<string_view>({"Sehr geehrte Damen und Herren,", "Hallo zusammen,", "Guten Tag,"});
constexpr auto kGermanSentences = std::to_array<string_view>({
    "anbei erhalten Sie die gewünschten Unterlagen für das nächste Gespräch.",
    "Die Straße ist wegen Bauarbeiten bis auf Weiteres gesperrt.",
    "Könnten Sie mir bitte bis übermorgen Bescheid geben, ob der Termin passt?",
    "Der Schlüssel liegt wie üblich beim Hausmeister im Erdgeschoß.",
    "Für Rückfragen stehe ich Ihnen jederzeit gerne zur Verfügung.",
    "Die Pfuhlschnepfe fliegt ohne Pause über den ganzen Pazifik.",
    "Wir müssen die Größe der Räume noch einmal überprüfen.",
    "Das Geschäft hat über die Feiertage natürlich geschlossen.",
});
constexpr auto kGermanClosings =
    std::to_array<string_view>({"Mit freundlichen Grüßen", "Viele Grüße", "Schöne Grüße aus Köln"});

constexpr auto kFrenchCharsets = std::to_array<string_view>({"iso-8859-1", "utf-8"});
constexpr auto kFrenchPeople = std::to_array<Person>({
    {"Hélène Lefèvre", "helene.lefevre@bureau.example"},
    {"François Bézier", "francois@atelier.example"},
    {"Service clientèle", "service@boutique.example"},
});
constexpr auto kFrenchSubjects = std::to_array<string_view>(
    {"Réunion d'équipe n°", "Votre commande a été expédiée, réf.", "Déjeuner à la cafétéria, table",
     "Compte rendu de la réunion", "Congés d'été, demande"});
constexpr auto kFrenchGreetings =
    std::to_array<string_view>({"Bonjour,", "Chère collègue,", "Bonjour à tous,"});
constexpr auto kFrenchSentences = std::to_array<string_view>({
    "Veuillez trouver ci-joint le compte rendu de la dernière réunion.",
    "Le café de la gare est fermé jusqu'à la fin de l'été.",
    "Pourriez-vous me confirmer l'heure de votre arrivée à Besançon ?",
    "La barge rousse traverse l'océan sans jamais s'arrêter.",
    "Nous avons reçu votre règlement et vous en remercions très sincèrement.",
    "Les élèves ont préparé une exposition sur les oiseaux migrateurs.",
});
constexpr auto kFrenchClosings =
    std::to_array<string_view>({"Cordialement", "Bien à vous", "À bientôt"});

constexpr auto kRussianCharsets =
    std::to_array<string_view>({"koi8-r", "windows-1251", "utf-8", "koi8-r"});
constexpr auto kRussianPeople = std::to_array<Person>({
    {"Анна Соколова", "sokolova@institut.example"},
    {"Дмитрий Орлов", "orlov@zavod.example"},
    {"Бухгалтерия", "buh@zavod.example"},
});
constexpr auto kRussianSubjects = std::to_array<string_view>(
    {"Договор поставки", "Протокол совещания", "Вопрос по отчёту за квартал",
     "Приглашение на конференцию", "Заявка на отпуск"});
constexpr auto kRussianGreetings =
    std::to_array<string_view>({"Здравствуйте!", "Добрый день,", "Уважаемые коллеги!"});
constexpr auto kRussianSentences = std::to_array<string_view>({
    "Во вложении находится последняя версия договора, просим её проверить.",
    "Совещание переносится на четверг, на десять часов утра.",
    "Пожалуйста, подтвердите получение этого письма до пятницы.",
    "Малый веретенник летит через весь Тихий океан без единой остановки.",
    "Новый склад откроется в начале следующего месяца.",
    "Если у вас есть вопросы, звоните мне в любое время.",
});
constexpr auto kRussianClosings =
    std::to_array<string_view>({"С уважением", "Всего доброго", "Заранее спасибо"});

constexpr auto kChineseCharsets = std::to_array<string_view>({"gb18030", "utf-8", "gb2312"});
constexpr auto kChinesePeople = std::to_array<Person>({
    {"王小明", "wang.xiaoming@gongsi.example"},
    {"李静", "lijing@gongsi.example"},
    {"财务部", "caiwu@gongsi.example"},
});
constexpr auto kChineseSubjects = std::to_array<string_view>(
    {"关于合同的修改意见", "会议通知", "订单确认", "本周工作总结", "出差安排"});
constexpr auto kChineseGreetings = std::to_array<string_view>({"您好！", "各位同事：", "早上好，"});
constexpr auto kChineseSentences = std::to_array<string_view>({
    "附件是最新版本的合同，请您在星期五之前确认。",
    "下周的会议改到星期四上午十点，地点不变。",
    "我们已经收到您的订单，预计三天之内发货。",
    "斑尾塍鹬可以不停地飞越整个太平洋。",
    "如果有任何问题，请随时和我联系。",
    "新的办公室在三楼，可以看到整个海港。",
});
constexpr auto kChineseClosings = std::to_array<string_view>({"此致敬礼", "谢谢", "祝工作顺利"});

constexpr auto kJapaneseCharsets =
    std::to_array<string_view>({"iso-2022-jp", "iso-2022-jp", "utf-8", "shift_jis", "euc-jp"});
constexpr auto kJapanesePeople = std::to_array<Person>({
    {"山田太郎", "yamada@kaisha.example"},
    {"佐藤花子", "sato@kaisha.example"},
    {"総務部", "soumu@kaisha.example"},
});
constexpr auto kJapaneseSubjects = std::to_array<string_view>(
    {"打ち合わせの件", "お見積もりについて", "出張報告", "会議室の予約", "請求書の送付"});
constexpr auto kJapaneseGreetings =
    std::to_array<string_view>({"お世話になっております。", "皆様、", "お疲れ様です。"});
constexpr auto kJapaneseSentences = std::to_array<string_view>({
    "添付の資料をご確認いただけますでしょうか。",
    "次回の打ち合わせは木曜日の午前十時からに変更となりました。",
    "ご注文の商品は三日以内に発送いたします。",
    "オオソリハシシギは休まずに太平洋を渡ります。",
    "ご不明な点がございましたら、いつでもご連絡ください。",
    "新しい事務所からは港がよく見えます。",
});
constexpr auto kJapaneseClosings =
    std::to_array<string_view>({"よろしくお願いいたします。", "敬具", "以上"});

constexpr auto kGreekCharsets = std::to_array<string_view>({"iso-8859-7", "utf-8"});
constexpr auto kGreekPeople = std::to_array<Person>(
    {{"Ελένη Παπαδοπούλου", "eleni@grafeio.example"}, {"Νίκος Γεωργίου", "nikos@limani.example"}});
constexpr auto kGreekSubjects = std::to_array<string_view>(
    {"Πρακτικά συνεδρίασης", "Τιμολόγιο αρ.", "Ταξίδι στη Θεσσαλονίκη,"});
constexpr auto kGreekGreetings = std::to_array<string_view>({"Καλημέρα σας,", "Αγαπητοί φίλοι,"});
constexpr auto kGreekSentences = std::to_array<string_view>({
    "Σας στέλνω το τελικό κείμενο της σύμβασης για έλεγχο.",
    "Η συνάντηση μεταφέρεται για την Πέμπτη στις δέκα το πρωί.",
    "Το πλοίο φεύγει από το λιμάνι νωρίς το απόγευμα.",
    "Παρακαλώ επιβεβαιώστε τη συμμετοχή σας μέχρι την Παρασκευή.",
});
constexpr auto kGreekClosings = std::to_array<string_view>({"Με εκτίμηση", "Φιλικά"});

// Beyond every 8-bit charset: emoji, mixed scripts, right-to-left.
constexpr auto kModernCharsets = std::to_array<string_view>({"utf-8"});
constexpr auto kModernPeople = std::to_array<Person>({
    {"Zoë 🐦 Żółkowska", "zoe@social.example"},
    {"נועה לוי", "noa@startup.example"},
    {"سارة أحمد", "sara@studio.example"},
});
constexpr auto kModernSubjects = std::to_array<string_view>(
    {"🎉 Launch day! Build", "Zażółć gęślą jaźń,", "👩‍👩‍👧 Family photos",
     "תזכורת לפגישה", "دعوة إلى الاجتماع"});
constexpr auto kModernGreetings = std::to_array<string_view>({"Hey! 👋", "Cześć,", "שלום,"});
constexpr auto kModernSentences = std::to_array<string_view>({
    "We are live 🚀 and the graphs look good 📈 so far.",
    "Zażółć gęślą jaźń — pchnąć w tę łódź jeża lub ośm skrzyń fig.",
    "הפגישה נדחתה ליום חמישי בשעה עשר בבוקר.",
    "تم تأجيل الاجتماع إلى يوم الخميس في الساعة العاشرة صباحًا.",
    "Đường đi rất đẹp và trời hôm nay không mưa.",
    "The price is 12 € or £10 – “final offer”, they said…",
});
constexpr auto kModernClosings = std::to_array<string_view>({"xoxo 💛", "Pozdrawiam", "תודה"});

constexpr auto kLanguages = std::to_array<Language>({
    {"en", kEnglishCharsets, kEnglishPeople, kEnglishSubjects, kEnglishGreetings, kEnglishSentences,
     kEnglishClosings},
    {"de", kGermanCharsets, kGermanPeople, kGermanSubjects, kGermanGreetings, kGermanSentences,
     kGermanClosings},
    {"fr", kFrenchCharsets, kFrenchPeople, kFrenchSubjects, kFrenchGreetings, kFrenchSentences,
     kFrenchClosings},
    {"ru", kRussianCharsets, kRussianPeople, kRussianSubjects, kRussianGreetings, kRussianSentences,
     kRussianClosings},
    {"zh", kChineseCharsets, kChinesePeople, kChineseSubjects, kChineseGreetings, kChineseSentences,
     kChineseClosings},
    {"ja", kJapaneseCharsets, kJapanesePeople, kJapaneseSubjects, kJapaneseGreetings,
     kJapaneseSentences, kJapaneseClosings},
    {"el", kGreekCharsets, kGreekPeople, kGreekSubjects, kGreekGreetings, kGreekSentences,
     kGreekClosings},
    {"mul", kModernCharsets, kModernPeople, kModernSubjects, kModernGreetings, kModernSentences,
     kModernClosings},
});

}  // namespace

std::span<const Language> languages() { return kLanguages; }

}  // namespace demo
